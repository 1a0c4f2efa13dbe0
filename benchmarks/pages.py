"""The pages people wait for, against the smallest Django page of 50 rows.

BENCH_SET says how many submissions lie in the assessor's queue (1,000 by default).
"""

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.support import database, table, weigh

SET = int(os.environ.get("BENCH_SET", "1000"))


def note_submission(cast: Any, name: str) -> Any:
    """One submission with one note for every criterion, through the real actions."""
    from catalogue.models import Criterion
    from portfolios.actions.drafting import map_evidence
    from tests.factories.portfolios import note, portfolio_of, submit

    portfolio = portfolio_of(cast, name)
    item = note(portfolio)
    for criterion in Criterion.objects.filter(rubric__task=cast.task):
        map_evidence(portfolio, item, criterion, actor=portfolio.enrolment.learner, claim="Here.")
    return submit(portfolio)


def main() -> None:
    from django.db import connection
    from django.test import Client, override_settings
    from django.urls import reverse

    from assessment.models import Allocation
    from tests.personas import make_cast
    from workflows import outbox

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_rows (id serial PRIMARY KEY, text text)")
    cast = make_cast(learners=SET)
    for name in list(cast.enrolments)[1:]:
        note_submission(cast, name)
    while outbox.relay():
        pass
    with override_settings(ROOT_URLCONF="benchmarks.support.urls"):
        browsers = {}
        for name in ("ada", "lena", "pam"):
            browsers[name] = Client()
            browsers[name].force_login(cast.people[name])

        def get(name: str, address: str) -> Any:
            response = browsers[name].get(address)
            assert response.status_code == 200, (address, response.status_code)
            return response

        mine = Allocation.objects.filter(assessor=cast.ada, ended_at__isnull=True).first()
        assert mine is not None
        rows = weigh(lambda: get("ada", "/bench/rows/"))
        posted = weigh(lambda: browsers["ada"].post("/bench/post/"))
        queue = weigh(lambda: get("ada", reverse("assessment:queue")))
        home = weigh(lambda: get("lena", reverse("portfolios:home")))
        board = weigh(lambda: get("pam", reverse("awards:board", args=[cast.delivery.pk])))
        lines: list[Any] = [
            ("T: trivial page, one query, 50 rows", rows, None, ""),
            (f"assessor's queue, of {SET}", queue, rows, "≤ 3"),
            ("learner's home", home, rows, "≤ 2.5"),
            (f"cohort board, {SET} learners", board, rows, "≤ 4"),
        ]
        lines += marking(browsers["ada"], mine, rows, posted)
        table(f"Pages, {SET} submissions, PostgreSQL", lines)


def marking(browser: Any, allocation: Any, rows: Any, posted: Any) -> list[Any]:
    """The workspace, and saving a draft of a decision in it."""
    from django.urls import reverse

    from catalogue.models import Criterion
    from tests.factories.assessment import opened

    draft = opened(allocation.submission, allocation.assessor)
    key = allocation.submission.pk
    address = reverse("assessment:workspace", args=[key])
    workspace = weigh(lambda: answered(browser.get(address)))
    data: dict[str, Any] = {"version": draft.version, "feedback": "Clear and complete."}
    criteria = Criterion.objects.filter(rubric__task=allocation.submission.task_id)
    for number, criterion in enumerate(criteria.order_by("number"), 1):
        data[f"level_{number}"] = str(criterion.levels.get(code="M").pk)
        data[f"feedback_{number}"] = "Well shown on page 1."

    def save() -> Any:
        response = answered(browser.post(reverse("assessment:autosave", args=[key]), data))
        data["version"] = response.json()["version"]
        return response

    saved = weigh(save)
    return [
        ("marking workspace", workspace, rows, "≤ 4"),
        ("P: trivial POST", posted, None, ""),
        ("save of a draft decision", saved, posted, "≤ 2"),
    ]


def answered(response: Any) -> Any:
    assert response.status_code == 200, response.status_code
    return response


if __name__ == "__main__":
    with database():
        main()
