"""The product's addresses, and the baselines: the smallest useful page of 50 rows, and a small POST."""

import os
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from accounts.models import User
from config.urls import urlpatterns as product

ROWS = engines["django"].from_string(
    "<!doctype html><title>Rows</title><table>{% for row in rows %}<tr><td>{{ row.name }}</td>"
    "<td>{{ row.email }}</td><td>{{ row.joined_at }}</td></tr>{% endfor %}</table>"
)


@login_required
def rows(request: HttpRequest) -> HttpResponse:
    """T of the goals: what the smallest useful page of 50 rows costs here."""
    return HttpResponse(ROWS.render({"rows": User.objects.all()[:50]}, request))


@login_required
def post(request: HttpRequest) -> HttpResponse:
    """P of the goals: lock a row, update it, insert two."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM accounts_user WHERE id = %s FOR UPDATE", [request.user.pk])
        cursor.execute("UPDATE accounts_user SET theme = theme WHERE id = %s", [request.user.pk])
        for _each in range(2):
            cursor.execute("INSERT INTO bench_rows (text) VALUES (%s)", ["x" * 200])
    return HttpResponse("done")


@login_required
def upload(request: HttpRequest) -> HttpResponse:
    """Django's multipart parser into a temporary file that is moved to its place: no hash, no row, no check."""
    file = request.FILES["upload"]
    path = getattr(file, "temporary_file_path")()  # noqa: B009
    target = f"{path}.kept"
    os.link(path, target)
    with open(target, "rb+") as stored:
        os.fsync(stored.fileno())
    os.unlink(target)
    return HttpResponse("done")


class CountStatements:
    """Say in a header how many statements a request took. The baselines pay for it as well."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        number = 0

        def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            nonlocal number
            number += 1
            return execute(sql, params, many, context)

        with connection.execute_wrapper(count):
            response = self.get_response(request)
        response["X-Bench-Statements"] = str(number)
        return response


urlpatterns: list[Any] = [
    path("bench/rows/", rows),
    path("bench/post/", post),
    path("bench/upload/", upload),
    *product,
]
