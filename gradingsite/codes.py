"""Which code a process runs, and which tables it was written for.

During an upgrade old and new processes work side by side. A worker whose code is older than the tables must not take
jobs that newer code wrote: what they mean may have changed. One that is newer than the tables would fail on them.
"""

from __future__ import annotations

import hashlib
import pkgutil
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

OURS = ("courses", "grading")  # the apps whose rows a worker reads and writes
PACKAGES = (*OURS, "gradingsite", "mlcore")


@lru_cache(maxsize=1)
def code_digest() -> str:
    """A name for the code of this process; remembered, because an upgrade may change the files under it."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((Path(settings.BASE_DIR) / package).rglob("*.py")):
            digest.update(path.relative_to(settings.BASE_DIR).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


@lru_cache(maxsize=1)
def known_migrations() -> frozenset[tuple[str, str]]:
    """Every migration of this code, by the names of its files; remembered like the digest."""
    found = set()
    for app in apps.get_app_configs():
        try:
            package = import_module(f"{app.name}.migrations")
        except ModuleNotFoundError:
            continue
        names = (module.name for module in pkgutil.iter_modules(package.__path__))
        found |= {(app.label, name) for name in names if name[0].isdigit()}
    return frozenset(found)


def remember() -> None:
    """At the start of a process."""
    code_digest()
    known_migrations()


def missing_migrations() -> list[tuple[str, str]]:
    """What this code has and the database has not."""
    return sorted(known_migrations() - _applied())


def newer_migrations() -> list[tuple[str, str]]:
    """What the database has and this code, which is older, does not know."""
    last = {app: max(name for label, name in known_migrations() if label == app) for app in OURS}
    unknown = _applied() - known_migrations()
    return sorted((app, name) for app, name in unknown if app in OURS and name > last[app])


def fits() -> bool:
    """Whether this code and the tables belong together."""
    ours = [app for app, _name in missing_migrations() if app in OURS]
    return not ours and not newer_migrations()


def _applied() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationRecorder(connection).applied_migrations())
