"""gunicorn's configuration for the process that takes uploads in; what else there is stands in the command."""

from gunicorn.http.unreader import SocketUnreader  # type: ignore[import-untyped]

# By default it takes up to 1 MiB of a body from the line at once, and copies that twice.
SocketUnreader.max_body_chunk = 128 * 1024
