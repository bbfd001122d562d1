"""Triggers that keep histories as they were written, on PostgreSQL and SQLite. They are put up after every `migrate`,
because SQLite drops a table's triggers when a migration makes the table anew, and a migration may mend old rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.apps import AppConfig
from django.db import connections, transaction
from django.db.models import Model

from courses.models import HistoryUnlock
from courses.models.history import AppendOnly

REFUSAL = "this history is appended to and never changed"
_FUNCTION = "marginalia_keep_history"


@contextmanager
def history_unlocked() -> Iterator[None]:
    """For the deletion of personal data: this transaction may take rows out of histories, and no other one.

    The row that opens them is seen by nobody else, and is gone again at the end.
    """
    with transaction.atomic():
        row = HistoryUnlock.objects.create()
        yield
        row.delete()


def put_up(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate: guard the histories of one app."""
    connection = connections[using]
    tables = guarded_tables(sender.get_models())
    unlock = HistoryUnlock._meta.db_table  # noqa: SLF001
    if not tables or not {unlock, *tables} <= set(connection.introspection.table_names()):
        return  # on the way through older migrations
    with connection.cursor() as cursor:
        for statement in _statements(connection.vendor, tables, unlock):
            cursor.execute(statement)


def take_down(sender: AppConfig, using: str, plan: Sequence[Any] = (), **kwargs: Any) -> None:
    """Receiver of pre_migrate: let the migrations through, where there are any."""
    if plan:
        with connections[using].cursor() as cursor:
            for statement in take_down_sql(connections[using].vendor, guarded_tables(sender.get_models())):
                cursor.execute(statement)


def guarded_tables(models: Iterable[type[Model]]) -> list[str]:
    return [model._meta.db_table for model in models if issubclass(model, AppendOnly)]  # noqa: SLF001


def take_down_sql(vendor: str, tables: list[str]) -> list[str]:
    """What opens the histories for emptying a whole database; the next `migrate` closes them again."""
    ends = {"sqlite": "", "postgresql": " ON {table}"}[vendor]
    return [
        f"DROP TRIGGER IF EXISTS {_name(table, act)}{ends.format(table=table)}"
        for table in tables
        for act in ("update", "delete")
    ]


def _name(table: str, act: str) -> str:
    return f"{table}_keeps_{act}"


def _statements(vendor: str, tables: list[str], unlock: str) -> Iterator[str]:
    yield from take_down_sql(vendor, tables)
    if vendor == "postgresql":
        yield (
            # Names of our own tables, nothing that anybody typed.
            f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "  # noqa: S608
            f"IF EXISTS (SELECT 1 FROM {unlock}) THEN IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END IF; "
            f"RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
    for table in tables:
        for act in ("update", "delete"):
            name = _name(table, act)
            if vendor == "postgresql":
                yield f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW EXECUTE FUNCTION {_FUNCTION}()"
            else:
                yield (
                    f"CREATE TRIGGER {name} BEFORE {act} ON {table} WHEN NOT EXISTS (SELECT 1 FROM {unlock}) "  # noqa: S608
                    f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
                )
