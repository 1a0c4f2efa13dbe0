"""A small tus client over Django's test client, with lines that break where the test says."""

import base64
import io
from typing import Any

from django.test import Client
from django.test.client import ClientHandler
from django.urls import reverse

BODY = "application/offset+octet-stream"
TUS = {"Tus-Resumable": "1.0.0"}


def encoded(**facts: str) -> str:
    return ",".join(
        f"{key} {base64.b64encode(one.encode()).decode()}" for key, one in facts.items()
    )


def create(
    client: Client, portfolio: Any, length: object, name: str = "report.pdf", **headers: str
) -> Any:
    """Ask for an upload."""
    wanted = {**TUS, "Upload-Length": str(length), "Upload-Metadata": encoded(filename=name)}
    body, content_type = headers.pop("body", b""), headers.pop("content_type", "text/plain")
    return client.generic(
        "POST",
        reverse("portfolios:uploads", args=[portfolio.pk]),
        body,
        content_type=content_type,
        headers={**wanted, **{key.replace("_", "-"): value for key, value in headers.items()}},
    )


def patch(client: Client, path: str, at: object, body: bytes, **headers: str) -> Any:
    """Send a chunk."""
    content_type = headers.pop("content_type", BODY)
    more = {key.replace("_", "-"): value for key, value in headers.items()}
    wanted = {**TUS, "Upload-Offset": str(at), **more}
    told = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body))}
    return client.generic("PATCH", path, body, content_type=content_type, headers=wanted, **told)


def cut(client: Client, path: str, at: int, body: bytes, announced: int) -> Any:
    """Announce more than comes: how a line that breaks looks to the application."""
    environ = client._base_environ(
        PATH_INFO=path,
        REQUEST_METHOD="PATCH",
        CONTENT_TYPE=BODY,
        CONTENT_LENGTH=str(announced),
        HTTP_TUS_RESUMABLE="1.0.0",
        HTTP_UPLOAD_OFFSET=str(at),
    )
    environ["wsgi.input"] = io.BytesIO(body)
    return ClientHandler(enforce_csrf_checks=False)(environ)


def head(client: Client, path: str) -> Any:
    return client.head(path, headers=TUS)


def offset(client: Client, path: str) -> int:
    return int(head(client, path)["Upload-Offset"])
