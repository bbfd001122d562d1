"""The database of one test process: a copy of a template that is migrated once and kept until a migration changes."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import inspect
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connection

from courses import guards

KEPT = Path(settings.BASE_DIR) / "var" / "tests"


@contextlib.contextmanager
def migrated_database(process: str) -> Iterator[None]:
    """Let `connection` lead to a migrated database of this process's own, which goes away at the end."""
    KEPT.mkdir(parents=True, exist_ok=True)
    ours = connection.settings_dict["NAME"]
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        copy = {"sqlite": _sqlite_copy, "postgresql": _postgresql_copy}[connection.vendor](process)
    connection.settings_dict["NAME"] = copy
    yield
    connection.close()
    connection.settings_dict["NAME"] = ours
    if connection.vendor == "postgresql":
        _maintenance(f'DROP DATABASE "{copy}" WITH (FORCE)')


def _sqlite_copy(process: str) -> str:
    template = KEPT / f"{_state()}.sqlite3"
    if not template.exists():
        for older in KEPT.glob("*.sqlite3*"):
            older.unlink()
        unfinished = template.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        _migrate(str(unfinished))
        unfinished.rename(template)
    copy = Path(settings.VAR_DIR) / f"test-{process}.sqlite3"
    shutil.copyfile(template, copy)
    return str(copy)


def _postgresql_copy(process: str) -> str:
    template, marker = f"marginalia_template_{_state()}", KEPT / f"{_state()}.postgresql"
    if not marker.exists() or not _maintenance(f"SELECT 1 FROM pg_database WHERE datname = '{template}'"):  # noqa: S608
        _maintenance(f'DROP DATABASE IF EXISTS "{template}" WITH (FORCE)')
        _maintenance(f'CREATE DATABASE "{template}"')
        _migrate(template)
        marker.touch()
    copy = f"marginalia_test_{process}_{os.getpid()}"
    _maintenance(f'CREATE DATABASE "{copy}" TEMPLATE "{template}"')
    return copy


def _migrate(name: str) -> None:
    from django.core.management import call_command

    connection.close()
    connection.settings_dict["NAME"] = name
    call_command("migrate", interactive=False, verbosity=0)
    connection.close()


def _maintenance(statement: str) -> list[tuple[int]]:
    with connection._nodb_cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if statement.startswith("SELECT") else []


def _state() -> str:
    """Changes with every migration of every app, and with the triggers that are put up after them."""
    known = hashlib.sha256(inspect.getsource(guards).encode())
    for app in sorted(apps.get_app_configs(), key=lambda app: app.label):
        for migration in sorted(Path(app.path).glob("migrations/*.py")):
            known.update(migration.read_bytes())
    return known.hexdigest()[:16]
