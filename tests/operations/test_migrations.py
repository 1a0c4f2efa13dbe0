"""Migrations are one line for each app, and the models have no change without one."""

from importlib import import_module

import pytest
from django.core.management import call_command
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from workflows.apps import drop_triggers

APPS = ("accounts", "workflows", "catalogue", "portfolios", "assessment", "moderation", "awards")


@pytest.mark.parametrize("app", APPS)
def test_one_line_of_migrations(app):
    graph = MigrationLoader(None, ignore_no_migrations=True).graph
    assert len(graph.leaf_nodes(app)) == 1
    parents = [
        key for node in graph.nodes if node[0] == app for key in graph.node_map[node].parents
    ]
    own = [parent.key for parent in parents if parent.key[0] == app]
    assert len(own) == len(set(own)), "two migrations follow the same one"


@pytest.mark.sqlite
@pytest.mark.django_db
def test_models_have_no_change_without_a_migration():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.sqlite
@pytest.mark.django_db
def test_the_database_holds_every_table():
    from django.apps import apps

    tables = set(connection.introspection.table_names())
    wanted = {
        model._meta.db_table for app in APPS for model in apps.get_app_config(app).get_models()
    }
    assert wanted <= tables


@pytest.mark.only_postgresql
@pytest.mark.django_db
def test_migrations_may_run_while_the_old_code_serves():
    """No dropped column, no NOT NULL column without a default in the database, and the like."""
    call_command(
        "lintmigrations",
        include_apps=APPS,
        sql_analyser="postgresql",
        no_cache=True,
    )


def triggers() -> set[str]:
    """Names of the triggers that the database has now."""
    asked = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.sqlite
@pytest.mark.django_db
def test_triggers_step_aside_for_a_migration_on_sqlite_and_come_back() -> None:
    """SQLite rebuilds no table that another one's trigger names: earlier data could not be migrated."""
    all_of_them = triggers()
    assert len(all_of_them) > 50
    drop_triggers("default", plan=[])
    assert triggers() == all_of_them
    drop_triggers("default", plan=["a migration"])
    assert triggers() == (set() if connection.vendor == "sqlite" else all_of_them)
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    assert triggers() == all_of_them


@pytest.mark.django_db
def test_tables_made_together_are_those_made_one_by_one():
    """The classes of the models are made once, after all of them are known; the statements stay the same."""

    earlier = MigrationLoader(None).project_state(("auth", "0012_alter_user_first_name_max_length"))

    def statements(operations):
        state = earlier.clone()
        with connection.schema_editor(collect_sql=True, atomic=False) as editor:
            for operation in operations:
                before = state.clone()
                operation.state_forwards("accounts", state)
                operation.database_forwards("accounts", editor, before, state)
        return [line for line in editor.collected_sql if not line.startswith("--")], state

    first = import_module("accounts.migrations.0001_tables").Migration.operations[0]
    together, state = statements([first])
    one_by_one, same = statements(first.models)
    assert len(together) > 10
    assert together == one_by_one
    assert state == same
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        first.database_backwards("accounts", editor, state, earlier)
    dropped = "".join(editor.collected_sql)
    places = [
        dropped.index(f'DROP TABLE "accounts_{model.name.lower()}"')
        for model in reversed(first.models)
    ]
    assert places == sorted(places)
