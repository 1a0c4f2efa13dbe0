"""The pages people wait for, against the smallest Django page of 50 rows and a small POST.

gunicorn runs them under production's settings. BENCH_SET is the number of submissions in the assessor's
queue (1,000 by default), BENCH_LARGE that of the submissions beside them in the second part (99,000).
"""

import os
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.support import Weight, database, table

SET = int(os.environ.get("BENCH_SET", "1000"))
LARGE = int(os.environ.get("BENCH_LARGE", "99000"))
Line = tuple[str, Weight, Weight | None, str]


def lists(site: Any, cast: Any, source: Any) -> list[Line]:
    """Homes, queues and boards."""
    from django.urls import reverse

    assessor, learner = cast.people["first"], source.learner
    mine = site.browser(assessor)
    rows = site.weigh(lambda: mine.ask("/bench/rows/"))
    lines: list[Line] = [("T: trivial page, one query, 50 rows", rows, None, "")]
    pages = [
        (f"assessor's queue, 50 of {SET}", assessor, "/assess/queue/?rows=50", "≤ 3"),
        ("assessor's queue, 25 rows", assessor, "/assess/queue/", ""),
        (f"administrator's queue, 50 of {SET}", cast.pam, "/assess/queue/?rows=50", ""),
        ("home: assessor", assessor, "/assess/", ""),
        ("home: learner", learner, "/learn/", "≤ 2.5"),
        ("portfolio: learner", learner, f"/learn/p/{source.portfolio_id}/", "≤ 2.5"),
        ("home: moderator", cast.moses, reverse("moderation:home"), ""),
        ("home: lead moderator", cast.lea, reverse("moderation:home"), ""),
        ("home: ratifier", cast.rita, reverse("awards:home"), ""),
        ("home: administrator", cast.pam, reverse("catalogue:home"), ""),
        (
            f"cohort board, {SET} learners",
            cast.pam,
            reverse("awards:board", args=[cast.delivery.pk]),
            "≤ 4",
        ),
    ]
    for name, person, path, goal in pages:
        browser = site.browser(person)
        lines.append((name, site.weigh(lambda b=browser, p=path: b.ask(p)), rows, goal))
    return lines


def marking(site: Any, source: Any, assessor: Any, rows: Weight) -> list[Line]:
    """The workspace, and saving in it."""
    import json

    from catalogue.models import Criterion
    from tests.factories.assessment import opened

    draft = opened(source, assessor)
    browser = site.browser(assessor)
    path = f"/assess/m/{source.pk}/"
    data: dict[str, Any] = {"version": draft.version, "feedback": "Clear and complete."}
    criteria = Criterion.objects.filter(rubric__task=source.task_id)
    for number, criterion in enumerate(criteria.order_by("number"), 1):
        data[f"level_{number}"] = str(criterion.levels.get(code="M").pk)
        data[f"feedback_{number}"] = "Well shown on page 1."

    def autosave() -> Any:
        answer = browser.ask(f"{path}autosave/", data)
        data["version"] = json.loads(answer.text)["version"]
        return answer

    def save() -> Any:
        answer = browser.ask(f"{path}save/", {**data, "then": "stay"})
        data["version"] += 1
        return answer

    posted = site.weigh(lambda: browser.ask("/bench/post/", {}))
    return [
        (
            "marking workspace, 6 criteria × 4 levels",
            site.weigh(lambda: browser.ask(path)),
            rows,
            "≤ 4",
        ),
        ("P: trivial POST", posted, None, ""),
        ("autosave of a draft decision", site.weigh(autosave), posted, "≤ 2"),
        ("save of a decision, 6 criteria", site.weigh(save), posted, "≤ 4"),
    ]


def onwards(site: Any, source: Any, assessor: Any) -> Weight:
    """Save and next: the save of six judgements, the step that opens the next piece of work, and its workspace."""
    browser = site.browser(assessor)
    path = f"/assess/m/{source.pk}/"
    here = {"path": path, "page": browser.ask(path).text.decode()}

    def go() -> Any:
        page = here["page"]
        data = dict(re.findall(r'name="(version|following)" value="([^"]+)"', page))
        chosen = re.findall(r'name="(level_\d+)" value="([^"]+)" id="level-\d+-1"', page)
        data |= dict(chosen) | {f"feedback_{number}": "Well shown." for number in range(1, 7)}
        before = here["path"].partition("?")[0]
        saved = browser.ask(f"{before}save/", {**data, "then": "next"})
        here["path"] = saved.headers["Location"]
        answer = browser.ask(here["path"])
        here["page"] = answer.text.decode()
        if 'id="marks"' not in here["page"]:
            raise AssertionError(f"{here['path']} is no workspace")
        return answer

    return site.weigh(go)


def throughput(site: Any, assessor: Any) -> None:
    """Requests each second with eight clients."""
    for name, path in (("T", "/bench/rows/"), ("queue of 50", "/assess/queue/?rows=50")):
        rate, wait = site.rate([assessor] * 8, path)
        print(
            f"  8 clients, 2 workers, {name:<22}{rate:7.1f} requests/s, median wait {wait:.0f} ms"
        )


def main() -> None:
    from benchmarks.support.web import site
    from benchmarks.support.world import analyse, copy_submission, make_cohort

    cast, source = make_cohort(SET)
    with site() as running:
        lines = lists(running, cast, source)
        lines += marking(running, source, cast.people["first"], lines[0][1])
        on = onwards(running, source, cast.people["first"])
        lines.append(("save and next: the save and the page that follows", on, lines[0][1], ""))
        table(f"Pages, {SET} submissions", lines)
        throughput(running, cast.people["first"])
        if LARGE:
            copy_submission(source, LARGE, first=SET, elsewhere=100)
            analyse()
            browser = running.browser(cast.people["first"])
            rows = running.weigh(lambda: browser.ask("/bench/rows/"))
            queue = running.weigh(lambda: browser.ask("/assess/queue/?rows=100"))
            table(
                f"Pages, {SET + LARGE} submissions in 101 deliveries",
                [
                    ("T: trivial page", rows, None, ""),
                    (f"assessor's queue, 100 rows, {SET} their own", queue, rows, "≤ 5"),
                ],
            )


if __name__ == "__main__":
    with database():
        main()
