"""/healthz against a real broker, without one, with one that is mute, and without a database."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from grading.models import ModelVersion, Worker
from gradingsite import broker, health

pytestmark = pytest.mark.django_db


@pytest.fixture
def valkey(tmp_path: Path, settings: Any) -> Iterator[redis.Redis]:
    """The broker that `make run` starts, started as it does."""
    with subprocess.Popen(broker.command(tmp_path), stdout=subprocess.DEVNULL) as process:
        settings.CELERY_BROKER_URL = broker.socket_url(tmp_path)
        client = health.broker_client()
        _wait_for(client)
        yield client
        client.close()
        process.terminate()


def _wait_for(client: redis.Redis) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            client.ping()
            return
        except redis.RedisError:
            time.sleep(0.05)
    raise AssertionError("the broker did not start")


def test_it_tells_what_is_there(client: Client, valkey: redis.Redis) -> None:
    now = timezone.now()
    Worker.objects.create(name="marking@here", kind="marking", started_at=now, seen_at=now)
    Worker.objects.create(name="marking@gone", kind="marking", started_at=now, seen_at=now - timedelta(hours=1))
    ModelVersion.objects.create(
        name="Starter 1", state="promoted", directory="starter", base_name="base", base_revision="1", quantisation="nf4"
    )
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "broker": "ok", "workers": 1, "model": "Starter 1"}
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_site_without_workers_or_model_still_answers(client: Client, valkey: redis.Redis) -> None:
    facts = client.get("/healthz").json()
    assert (facts["status"], facts["workers"], facts["model"]) == ("ok", 0, None)


def test_it_counts_what_waits_in_each_queue(valkey: redis.Redis) -> None:
    valkey.rpush("marking", "one", "two")
    assert health.gather().queues == {"marking": 2, "training": 0, "default": 0}


def test_the_brokers_memory_is_never_evicted_and_is_kept_on_disk(valkey: redis.Redis) -> None:
    assert valkey.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert valkey.config_get("appendonly") == {"appendonly": "yes"}


def test_a_broker_that_is_down_is_told_with_503(client: Client) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "down", "database": "ok", "broker": "down", "workers": 0, "model": None}


def test_a_broker_that_does_not_speak_costs_two_seconds_at_most(client: Client, settings: Any) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{mute.getsockname()[1]}/0"
        begun = time.monotonic()
        assert client.get("/healthz").status_code == 503
    assert time.monotonic() - begun < 2 * health.BROKER_SECONDS + 2


def test_a_database_that_is_down_is_told_with_503(client: Client) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise DatabaseError("the server closed the connection")

    with connection.execute_wrapper(refuse):
        answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "down"


def test_a_probe_changes_nothing(client: Client) -> None:
    assert client.post("/healthz").status_code == 405


def test_a_long_path_gets_a_socket_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 60) / ("b" * 60)
    assert len(str(broker.socket_path(deep))) <= broker.LONGEST_SOCKET_PATH
    assert broker.socket_path(deep) == broker.socket_path(deep)
    assert broker.socket_path(deep) != broker.socket_path(deep / "c")
