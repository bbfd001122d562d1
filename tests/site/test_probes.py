"""/livez asks nobody, /readyz says whether visitors may come: database, broker and every migration."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from gradingsite import codes, health

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "queue_lengths", lambda: {"marking": 0})


def refuse(*_: Any, **__: Any) -> None:
    raise DatabaseError("the server closed the connection")


def test_a_process_is_alive_without_database_and_broker(client: Client) -> None:
    with connection.execute_wrapper(refuse):
        answer = client.get("/livez")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "code": codes.code_digest()}


def test_it_is_ready_when_everything_is_there(client: Client, broker_answers: None) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "broker": "ok", "migrations": "ok"}


def test_it_is_not_ready_without_a_broker(client: Client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["broker"]) == (503, "down")


def test_it_is_not_ready_without_a_database(client: Client, broker_answers: None) -> None:
    with connection.execute_wrapper(refuse):
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["migrations"]) == (503, "unknown")


def test_it_is_not_ready_while_a_migration_is_missing(client: Client, broker_answers: None) -> None:
    MigrationRecorder.Migration.objects.filter(app="grading").order_by("name").last().delete()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["migrations"]) == (503, "missing")


@pytest.mark.parametrize("name", ["livez", "readyz"])
def test_probes_come_over_plain_http_and_are_not_kept(client: Client, settings: Any, name: str) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get(f"/{name}")
    assert answer.status_code in (200, 503)
    assert "no-store" in answer.headers["Cache-Control"]
