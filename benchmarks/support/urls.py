"""The product's addresses, and the baseline page: session, person, one query, 50 rows."""

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


urlpatterns: list[Any] = [path("bench/rows/", rows), path("bench/post/", post), *product]
