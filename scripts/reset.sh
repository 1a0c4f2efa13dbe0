#!/bin/sh
# Deletes the local data folder, after asking.
set -eu
cd "$(dirname "$0")/.."
data=${MODERATO_DATA:-var}
if [ ! -d "$data" ]; then
    echo "There is no data folder $data."
    exit 0
fi
# Only a folder that Moderato made: never a home or a root directory given by mistake.
if [ ! -f "$data/up.lock" ]; then
    echo "$data is not a data folder of Moderato; nothing was deleted." >&2
    exit 1
fi
printf 'Delete %s with everything in it? Type yes: ' "$data"
read -r answer || answer=
if [ "$answer" != yes ]; then
    echo "Nothing was deleted."
    exit 1
fi
rm -rf "$data"
echo "Deleted."
