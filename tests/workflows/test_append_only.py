"""What the database itself refuses."""

import uuid

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from tests.testapp.models import Docket, DocketState
from workflows import triggers
from workflows.actions import open_record, sign_root
from workflows.enums import AttemptResult
from workflows.machines import all_arrows
from workflows.models import (
    AllowedTransition,
    ChainHead,
    DeliveryAttempt,
    OutboxMessage,
    TransitionLabel,
    TransitionRecord,
)
from workflows.transitions import perform

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def rows(docket, ada):
    """One row in each append-only table."""
    sign_root()
    open_record(docket, actor=ada, purpose="Moderation")
    DeliveryAttempt.objects.create(
        message=OutboxMessage.objects.get(), started_at=timezone.now(), result=AttemptResult.SENT
    )


def refused(sql, params=()):
    with pytest.raises(DatabaseError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)
    return str(error.value)


@pytest.mark.parametrize("table", triggers.APPEND_ONLY)
def test_nothing_is_changed_or_deleted(rows, table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone()[0] == 1
    column = "number" if table.endswith("chainroot") else "id"
    assert "append-only" in refused(f"UPDATE {table} SET {column} = {column}")
    assert "append-only" in refused(f"DELETE FROM {table}")


@pytest.mark.parametrize("table", [*triggers.APPEND_ONLY, triggers.LABEL, triggers.HEAD])
@pytest.mark.only_postgresql
def test_nothing_is_truncated(rows, table):
    connection.check_constraints()  # PostgreSQL truncates nothing while checks are pending
    assert "append-only" in refused(f"TRUNCATE {table} CASCADE")


@pytest.mark.only_sqlite
def test_a_record_is_not_replaced(docket):
    columns = ", ".join(field.column for field in TransitionRecord._meta.concrete_fields)
    table = triggers.RECORD
    refused(f"INSERT OR REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table}")


def test_a_record_must_continue_its_chain(docket):
    record = TransitionRecord.objects.get()
    for seq, previous in ((3, bytes(record.hash)), (2, bytes(32)), (1, bytes(32))):
        record.pk, record.seq, record.prev_hash = uuid.uuid4(), seq, previous
        with pytest.raises(IntegrityError), transaction.atomic():
            TransitionRecord.objects.bulk_create([record])


def test_a_label_may_be_blanked_and_nothing_else(docket):
    labels = TransitionLabel.objects.filter(record__subject_id=docket.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        labels.update(actor_label="Somebody else")
    with pytest.raises(IntegrityError), transaction.atomic():
        labels.update(actor_label=None)
    labels.update(actor_label=None, actor_salt=None)
    assert labels.get().actor_label is None
    assert labels.get().subject_label
    with pytest.raises(IntegrityError), transaction.atomic():
        labels.update(actor_label="Ada", actor_salt=bytes(32))


def test_installing_twice_changes_nothing():
    triggers.install(connection)
    triggers.install(connection)
    assert triggers.missing(connection) == []


def test_a_missing_trigger_is_noticed():
    on = f" ON {triggers.RECORD}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {triggers.RECORD}_link{on}")
    assert triggers.missing(connection) == [f"{triggers.RECORD}_link"]


def test_the_table_of_permitted_steps_is_the_code():
    stored = set(AllowedTransition.objects.values_list("machine", "name", "source", "target"))
    assert stored == {(one.machine, one.name, one.source, one.target) for one in all_arrows()}


@pytest.mark.only_postgresql
@pytest.mark.usefixtures("db")
class TestStatesOnPostgresql:
    """Raw SQL that goes round the door."""

    def test_every_pair_that_no_step_permits_is_refused(self, docket, ada):
        permitted = {
            (one.source, one.target) for one in all_arrows() if one.machine == "testapp.docket"
        }
        table = Docket._meta.db_table
        paths = {
            "open": [],
            "checked": ["check_it"],
            "closed": ["check_it", "close"],
            "void": ["make_void"],
        }
        tried = 0
        for source, steps in paths.items():
            with transaction.atomic():
                for name in steps:
                    perform(docket, name, actor=ada)
                for target in DocketState.values:
                    if (source, target) in permitted:
                        continue
                    if source != target:
                        said = refused(f"UPDATE {table} SET state = %s, seq = seq + 1", [target])
                        assert "refused" in said
                        tried += 1
                    refused(f"UPDATE {table} SET state = %s, seq = seq + 1", [target])
                transaction.set_rollback(True)
        assert tried == 12 - 4

    def test_births_into_later_states_are_refused(self, box):
        for state in ("checked", "closed", "void"):
            with pytest.raises(IntegrityError), transaction.atomic():
                Docket.objects.bulk_create([Docket(box=box, state=state, seq=1)])

    def test_a_permitted_change_without_its_record_fails_at_commit(self, docket):
        with pytest.raises(IntegrityError, match="has no record"), transaction.atomic():
            Docket.objects.filter(pk=docket.pk).update(state="checked", seq=2)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def test_a_birth_without_its_record_fails_at_commit(self, box):
        with pytest.raises(IntegrityError, match="has no record"), transaction.atomic():
            Docket.objects.bulk_create([Docket(box=box, state="open", seq=1)])
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def test_the_count_of_steps_does_not_move_alone(self, docket):
        with pytest.raises(IntegrityError), transaction.atomic():
            Docket.objects.filter(pk=docket.pk).update(seq=5)
        with pytest.raises(IntegrityError), transaction.atomic():
            Docket.objects.filter(pk=docket.pk).update(seq=2)

    def test_the_head_follows_the_records_only(self, docket):
        with pytest.raises(IntegrityError), transaction.atomic():
            ChainHead.objects.update(seq=7)
        with pytest.raises(IntegrityError), transaction.atomic():
            ChainHead.objects.all().delete()
        with pytest.raises(IntegrityError), transaction.atomic():
            ChainHead.objects.create(
                subject_type="x", subject_id=uuid.uuid4(), seq=0, hash=bytes(32)
            )
        ChainHead.objects.update(rooted_seq=1)

    def test_a_temporary_table_does_not_stand_before_the_rules(self, docket):
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMPORARY TABLE workflows_allowedtransition AS "
                "SELECT 'testapp.docket' AS machine, 'open' AS source, 'closed' AS target"
            )
        with pytest.raises(IntegrityError), transaction.atomic():
            Docket.objects.filter(pk=docket.pk).update(state="closed", seq=2)
