"""Real worker processes and a real broker on the database of the test, to be stopped, killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connection

from gradingsite import broker, celery_app
from tests.mlcore.conftest import tiny_adapter, tiny_base

__all__ = ["tiny_adapter", "tiny_base"]

ROOT = Path(__file__).resolve().parents[2]


def until(condition: Callable[[], Any], what: str, seconds: float = 300) -> Any:
    """The first true value of `condition`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


@dataclass
class Workers:
    """Starts Celery workers that see the test's database, files and broker."""

    environment: dict[str, str]
    log: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, queue: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "--app", "gradingsite", "worker", "--queues", queue]
        command += [
            "--pool",
            "prefork",
            "--concurrency",
            "1",
            "--without-gossip",
            "--without-mingle",
            "--loglevel",
            "INFO",
        ]
        command += ["--hostname", f"{queue}-{len(self.started)}@%h"]
        with self.log.open("ab") as log:
            worker = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        self.started.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes], *, but: str = "") -> list[psutil.Process]:
        """kill -9 of a worker and of all its processes, but those with `but` in their command line, which are given."""
        parent = psutil.Process(worker.pid)
        processes = [parent, *parent.children(recursive=True)]
        spared = [process for process in processes if but and but in " ".join(process.cmdline())]
        for process in processes:
            if process not in spared and process.is_running():
                process.kill()
        worker.wait()
        return spared

    def stop_all(self) -> None:
        for worker in self.started:
            if worker.poll() is None:
                self.kill(worker)


@pytest.fixture
def queue_broker(tmp_path: Path, settings: Any) -> Iterator[str]:
    """A Valkey server of this test's own; its address."""
    command = broker.command(tmp_path)
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(broker.socket_path(tmp_path).exists, "the broker's socket")
    _use_broker(broker.socket_url(tmp_path))
    yield broker.socket_url(tmp_path)
    _use_broker(settings.CELERY_BROKER_URL)
    server.send_signal(signal.SIGTERM)
    server.wait(timeout=20)


def _use_broker(url: str) -> None:
    """Send this process's own messages there, over fresh connections."""
    celery_app.conf.broker_url = url
    celery_app._after_fork()


@pytest.fixture
def workers(
    transactional_db: None, queue_broker: str, tmp_path: Path, tiny_base: Path, settings: Any
) -> Iterator[Workers]:
    settings.MARGINALIA_VERSIONS_DIR = tmp_path / "versions"
    settings.MARGINALIA_TRAINING_DIR = tmp_path / "training"
    settings.MARGINALIA_BASE_DIR = tiny_base
    settings.LEASE_SECONDS = 3
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "gradingsite.settings",
        "MARGINALIA_VAR": str(tmp_path),
        "MARGINALIA_BASE_DIR": str(tiny_base),
        "DATABASE_URL": _database_url(),
        "REDIS_URL": queue_broker,
        "HEARTBEAT_SECONDS": "1",
        "LEASE_SECONDS": "3",
        "MARKING_BATCH_SIZE": "4",
        "MARKING_SLICE_SECONDS": "600",
        "OMP_NUM_THREADS": "1",
        # Every test has a place of its own, in which nothing is kept yet of how fast this machine is.
        "MARGINALIA_COMPUTE_DTYPE": "float32",
    }
    made = Workers(environment, tmp_path / "workers.log")
    yield made
    made.stop_all()


def _database_url() -> str:
    facts = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{facts['NAME']}"
    user = f"{facts['USER']}:{facts['PASSWORD']}@" if facts["USER"] else ""
    return f"postgresql://{user}{facts['HOST']}:{facts['PORT'] or 5432}/{facts['NAME']}"
