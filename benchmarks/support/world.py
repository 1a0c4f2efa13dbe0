"""A cohort of any size: one submission made by the real actions, and copies of all its rows by SQL.

The copies are what the actions would have left: people, enrolments, portfolios, evidence, submissions,
parts, allocations, deadlines, notices, and the first record of each chain. Their hashes are made up.
"""

from typing import Any

from django.db import connection, models, transaction


def key(name: str, number: str = "n") -> str:
    """SQL: the key that the nth copy of a row of this kind has."""
    return f"md5('{name}' || {number})::uuid"


def copy_rows(rows: "models.QuerySet[Any]", count: int, first: int, **changed: str) -> None:
    """Insert `count` copies of each row, numbered from `first`; `changed` gives SQL for columns that differ."""
    table = rows.model._meta.db_table
    fields = [
        one
        for one in rows.model._meta.local_concrete_fields
        if not isinstance(one, models.AutoField)
    ]
    columns = [connection.ops.quote_name(str(one.column)) for one in fields]
    values = [
        changed.get(str(one.column), f"t.{name}") for one, name in zip(fields, columns, strict=True)
    ]
    keys = [str(one) for one in rows.order_by("pk").values_list("pk", flat=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)}"
            f" FROM {table} t, generate_series({first}, {first + count - 1}) n"
            f" WHERE t.{rows.model._meta.pk.column}::text = ANY(%s)",
            [keys],
        )


@transaction.atomic
def copy_submission(source: Any, count: int, *, first: int = 1, elsewhere: int = 0) -> None:
    """Copies of a submission, each of another learner, submitted and due at different times.

    With `elsewhere` they lie in so many other deliveries, each with an assessor of its own.
    """
    from accounts.models import User
    from assessment.models import Allocation
    from catalogue.models import Delivery, DeliveryRole, Enrolment
    from portfolios.models import (
        EvidenceItem,
        EvidenceMapping,
        Part,
        Portfolio,
        Submission,
        SubmissionEvidence,
    )
    from workflows.models import (
        ChainHead,
        Deadline,
        Notification,
        Reminder,
        TransitionLabel,
        TransitionRecord,
    )

    learner, made_up = source.learner, "decode(md5('h' || n) || md5('i' || n), 'hex')"
    assessor = Allocation.objects.get(submission=source).assessor
    place, marker = "t.delivery_id", "t.assessor_id"
    if elsewhere:
        place = key("delivery", f"mod(n, {elsewhere})")
        marker = key("marker", f"mod(n, {elsewhere})")
    person = (
        f"CASE t.person_id WHEN '{learner.pk}' THEN {key('user')}"
        f" WHEN '{assessor.pk}' THEN {marker.replace('assessor_id', 'person_id')} END"
    )
    records = TransitionRecord.objects.filter(subject_id=source.pk, seq=1)
    due = "now() + (mod(n, 29) - 4) * interval '1 day'"
    with connection.cursor() as cursor:
        # Triggers and foreign keys would ask about each of some hundred thousand rows.
        cursor.execute("SET LOCAL session_replication_role = replica")
    if elsewhere:
        copy_rows(
            User.objects.filter(pk=assessor.pk), elsewhere, 0, id=key("marker"),
            email="'marker' || n || '@example.org'",
        )  # fmt: skip
        copy_rows(
            Delivery.objects.filter(pk=source.delivery_id), elsewhere, 0,
            id=key("delivery"), code="'copy-' || n",
        )  # fmt: skip
        copy_rows(
            DeliveryRole.objects.filter(user=assessor), elsewhere, 0,
            delivery_id=key("delivery"), user_id=key("marker"),
        )  # fmt: skip
    copy_rows(
        User.objects.filter(pk=learner.pk), count, first,
        id=key("user"), email="'copy' || n || '@example.org'", name="'Learner ' || n",
        search_key="'learner ' || n",
    )  # fmt: skip
    copy_rows(
        Enrolment.objects.filter(pk=source.enrolment_id), count, first,
        id=key("enrolment"), learner_id=key("user"), delivery_id=place,
    )  # fmt: skip
    copy_rows(
        Portfolio.objects.filter(pk=source.portfolio_id), count, first,
        id=key("portfolio"), enrolment_id=key("enrolment"),
    )  # fmt: skip
    items = EvidenceItem.objects.filter(pins__submission=source)
    copy_rows(
        items, count, first,
        id=key("evidence", "t.id::text || n"), owner_id=key("user"), storage_key="t.storage_key",
    )  # fmt: skip
    copy_rows(
        EvidenceMapping.objects.filter(portfolio=source.portfolio_id), count, first,
        portfolio_id=key("portfolio"), evidence_id=key("evidence", "t.evidence_id::text || n"),
    )  # fmt: skip
    copy_rows(
        Submission.objects.filter(pk=source.pk), count, first,
        id=key("submission"), reference="'COPY-' || lpad(n::text, 7, '0')",
        pseudonym="'L' || lpad(n::text, 7, '0')", portfolio_id=key("portfolio"),
        enrolment_id=key("enrolment"), learner_id=key("user"),
        delivery_id=place, submitted_at="now() - mod(n, 9973) * interval '7 minutes'", marking_due_at=due,
    )  # fmt: skip
    copy_rows(
        SubmissionEvidence.objects.filter(submission=source), count, first,
        submission_id=key("submission"), evidence_id=key("evidence", "t.evidence_id::text || n"),
    )  # fmt: skip
    copy_rows(
        Part.objects.filter(submission=source), count, first,
        submission_id=key("submission"), person_id=person,
    )  # fmt: skip
    copy_rows(
        Allocation.objects.filter(submission=source), count, first,
        id=key("allocation"), submission_id=key("submission"), due_at=due,
        assessor_id=marker,
    )  # fmt: skip
    copy_rows(records, count, first, id=key("record"), subject_id=key("submission"), hash=made_up)
    copy_rows(
        TransitionLabel.objects.filter(record__in=records), count, first, record_id=key("record")
    )
    copy_rows(
        ChainHead.objects.filter(subject_id=source.pk), count, first,
        subject_id=key("submission"), hash=made_up, seq="1",
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM workflows_deadline")
        base = cursor.fetchone()[0]
    deadlines = Deadline.objects.filter(subject_id=source.pk, state="open")
    for number, deadline in enumerate(deadlines):
        one = Deadline.objects.filter(pk=deadline.pk)
        copy_rows(one, count, first, subject_id=key("submission"), due_at=due)
        copy_rows(
            Reminder.objects.filter(deadline=deadline), count, first,
            deadline_id=f"{base + 1 + number * count - first} + n",
        )  # fmt: skip
    copy_rows(
        Notification.objects.filter(subject_id=source.pk).exclude(recipient=learner), count, first,
        subject_id=key("submission"), dedupe_key="t.dedupe_key || ':' || n", record_id=key("record"),
    )  # fmt: skip


def make_cohort(size: int, *, elsewhere: int = 0) -> tuple[Any, Any]:
    """The cast of the tests with a rubric of six criteria and four levels, and `size` submissions of one assessor.

    `elsewhere` are so many more in a hundred other deliveries. Gives the cast, in which `first` is the
    assessor, and the one submission that was made by hand.
    """
    from assessment.models import Allocation
    from catalogue.models import Criterion
    from portfolios.actions.drafting import map_evidence
    from tests.factories.assessment import level_codes
    from tests.factories.portfolios import file, note, portfolio_of, submit
    from tests.personas import make_cast
    from workflows import outbox

    cast = make_cast(learners=3, criteria=6)
    portfolio = portfolio_of(cast, "hone")
    items = [note(portfolio), file(portfolio, "report.pdf"), file(portfolio, "photo-plan.pdf")]
    for criterion in Criterion.objects.filter(rubric__task=cast.task):
        for item in items:
            map_evidence(
                portfolio, item, criterion,
                actor=portfolio.enrolment.learner, claim="Section 2 shows it.", locator="page 1",
            )  # fmt: skip
    source = submit(portfolio)
    while outbox.relay():
        pass
    source.refresh_from_db()
    given = Allocation.objects.get(submission=source, ended_at__isnull=True)
    cast.people["first"] = given.assessor
    assert len(level_codes(source, "M")) == 6
    copy_submission(source, size - 1)
    if elsewhere:
        copy_submission(source, elsewhere, first=size, elsewhere=100)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_rows (id serial PRIMARY KEY, text text)")
    analyse()
    return cast, source


def analyse() -> None:
    """What autovacuum would have done by then."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
