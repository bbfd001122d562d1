"""A backup of a site on PostgreSQL comes back whole: into another PostgreSQL database, and into SQLite."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.harness import servers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(servers.missing()), reason=servers.missing() or "all is there"),
]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def postgres() -> Iterator[servers.Postgres]:
    with tempfile.TemporaryDirectory(prefix="marginalia-postgres-") as directory:
        # PostgreSQL's own user has to reach it; pytest keeps its own directories to the user of the tests.
        Path(directory).chmod(0o755)
        server = servers.Postgres(Path(directory) / "cluster")
        server.create()
        yield server
        server.stop("immediate")


def manage(var: Path, database: str, *commands: str) -> None:
    """Commands of manage.py in one process, after `migrate`."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment |= {"MARGINALIA_VAR": str(var), "DATABASE_URL": database, "DEBUG": "0"}
    calls = [f"call_command({', '.join(map(repr, command.split()))})" for command in ("migrate -v0", *commands)]
    script = "\n".join(["from django.core.management import call_command", *calls])
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def content(archive: Path) -> dict[str, bytes]:
    """Everything in it but the manifest, which says when it was made."""
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist() if not name.startswith("manifest")}


def test_rows_and_files_come_back_into_either_kind_of_database(postgres: servers.Postgres, tmp_path: Path) -> None:
    manage(tmp_path / "old", postgres.url, "load_sample_course", f"backup {tmp_path / 'old.zip'}")
    kept = content(tmp_path / "old.zip")
    assert b"Thinking in Writing" in b"".join(kept.values())

    postgres.create_database("other")
    for name, database in (("pg", postgres.url.replace("/marginalia", "/other")), ("lite", "")):
        again = tmp_path / f"{name}.zip"
        manage(tmp_path / name, database, f"restore {tmp_path / 'old.zip'}", f"backup {again}")
        assert content(again) == kept, name
