#!/bin/sh
# Makes .venv from the locked requirements and builds the browser's files. Usage: setup.sh run|dev
# Does nothing when both are there already.
set -eu
cd "$(dirname "$0")/.."
kind=$1

say() { printf '%s\n' "$*" >&2; }

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# What .venv must agree with. The development requirements contain those for running.
wanted() {
    printf '%s ' "$1"
    cksum <"requirements/$1.txt"
}

current() {
    new_enough .venv/bin/python && [ -f .venv/.requirements ] &&
        { [ "$(cat .venv/.requirements)" = "$(wanted dev)" ] ||
            { [ "$kind" = run ] && [ "$(cat .venv/.requirements)" = "$(wanted run)" ]; }; }
}

find_python() {
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
        if new_enough "$name"; then
            printf '%s' "$name"
            return
        fi
    done
    say "Moderato needs Python 3.11 or newer; install it, or name it: make $kind PYTHON=/path/to/python3"
    exit 1
}

# The lock files pin everything with hashes; constraints and user installs of this machine are not asked.
with_pip() {
    .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
    PIP_CONSTRAINT=/dev/null PIP_USER=0 PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
        .venv/bin/python -m pip install --quiet --require-hashes -r "requirements/$1.txt"
}

# The machine's uv, else one that pip gets: it installs the rest in a tenth of pip's time. Like pip it trusts
# the machine's certificates (its older name for that is NATIVE_TLS).
with_uv() {
    uv=$(command -v uv) || { with_pip uv && uv=.venv/bin/uv; } || return
    UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 UV_PYTHON_DOWNLOADS=never "$uv" pip install --quiet --python .venv/bin/python --require-hashes \
        -r "requirements/$1.txt"
}

if ! current; then
    python=$(find_python)
    say "Installing requirements/$kind.txt into .venv …"
    if ! new_enough .venv/bin/python; then
        rm -rf .venv
        if ! { command -v uv >/dev/null 2>&1 &&
            UV_PYTHON_DOWNLOADS=never uv venv --quiet --seed --python "$python" .venv 2>/dev/null; }; then
            rm -rf .venv
            "$python" -m venv .venv >/dev/null || {
                say "Python's venv module does not work here; on Debian install python3-venv."
                exit 1
            }
        fi
    fi
    rm -f .venv/.requirements
    if ! with_uv "$kind" 2>/dev/null && ! with_pip "$kind"; then
        say "The packages of requirements/$kind.txt could not be installed; is the package index reachable?"
        exit 1
    fi
    wanted "$kind" >.venv/.requirements
fi

# The command keeps a stamp of what it built from; it is asked only when a source is newer than that.
stamp=static/build/.stamp
if [ ! -f "$stamp" ] || [ -n "$(find static package-lock.json config/management/commands/build_assets.py \
    -path static/build -prune -o -type f -newer "$stamp" -print)" ]; then
    .venv/bin/python manage.py build_assets >&2 || {
        say "The browser's files could not be built; the message above says what is missing."
        exit 1
    }
    touch "$stamp"
fi
