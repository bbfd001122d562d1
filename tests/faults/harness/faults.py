"""The faults themselves, each a short act upon a running site, and the seeded order in which they come."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

from django.conf import settings
from django.db import connection
from django.utils import timezone

from grading.models import GradingJob, JobState, TrainingRun
from grading.models.training import ACTIVE_TRAINING_STATES
from grading.services.upkeep import sweep
from gradingsite import celery_app
from tests.faults.harness.asking import asking
from tests.faults.harness.processes import Processes
from tests.faults.harness.proxy import Proxy
from tests.faults.harness.servers import Postgres, Redis

WORKERS = ["marking", "marking-two", "training", "default"]
MARKING = ["marking", "marking-two"]


@dataclass
class Faults:
    """`small_disk` is the uploads' own file system, where one could be mounted."""

    postgres: Postgres
    redis: Redis
    proxy: Proxy
    site: Processes
    chance: random.Random
    small_disk: Path | None
    done: Counter[str] = field(default_factory=Counter)
    hangs: list[threading.Thread] = field(default_factory=list)

    def schedule(self) -> dict[str, tuple[Callable[[], object], int]]:
        """What can happen, and how often beside the others."""
        found: dict[str, tuple[Callable[[], object], int]] = {
            "worker killed": (self.kill_worker, 3),
            "pool process killed": (self.kill_pool_process, 2),
            "worker killed in a batch": (self.kill_in_batch, 3),
            "worker killed in a transaction": (self.kill_in_write, 3),
            "training killed": (self.kill_training, 2),
            "web process killed": (self.kill_web, 2),
            "worker hung": (self.hang, 2),
            "worker hung past its lease": (self.hang_past_lease, 1),
            "Redis restarted": (lambda: self.restart_redis(kill=False), 2),
            "Redis killed": (lambda: self.restart_redis(kill=True), 2),
            "Redis flushed": (self.flush, 3),
            "PostgreSQL restarted": (lambda: self.restart_postgres("fast"), 2),
            "PostgreSQL stopped at once": (lambda: self.restart_postgres("immediate"), 2),
            "message sent twice": (self.repeat, 3),
            "slow broker": (self.slow, 2),
            "broker connections cut": (self.proxy.cut, 2),
            "clock ahead or behind": (self.wrong_clock, 1),
        }
        if self.small_disk is not None:
            found["disk full"] = (self.fill_disk, 2)
        return found

    def happen(self, name: str) -> None:
        """One fault, counted only where it took place."""
        act, _ = self.schedule()[name]
        if act() is not False:
            self.done[name] += 1

    def order(self, number: int) -> list[str]:
        """Each kind once, as far as `number` goes, then by chance."""
        kinds = self.schedule()
        first = list(kinds)
        self.chance.shuffle(first)
        weights = [weight for _, weight in kinds.values()]
        more = self.chance.choices(list(kinds), weights, k=max(0, number - len(first)))
        return first[:number] + more

    # --- processes ---------------------------------------------------------------------------------------------------
    def kill_worker(self) -> bool:
        return self.site.kill(self.chance.choice([*WORKERS, "beat"]))

    def kill_pool_process(self) -> bool:
        return self.site.kill(self.chance.choice(MARKING), children_only=True)

    def kill_in_batch(self) -> bool:
        rows = GradingJob.objects.filter(state=JobState.RUNNING)
        if not _comes(lambda: asking(rows.exists), 3):
            return False
        pids = {int(name.partition(":")[2].partition("-")[0]) for name in asking(lambda: _holders(rows))}
        for name in MARKING:
            if pids & {process.pid for process in self.site.tree(name)}:
                return self.site.kill(name)
        return False

    def kill_in_write(self) -> bool:
        """The worker that PostgreSQL says is between BEGIN and COMMIT."""
        end = time.monotonic() + 3
        while time.monotonic() < end:
            names = asking(_in_transaction)
            if names:
                return self.site.kill(names[0])
            time.sleep(0.002)
        return False

    def kill_training(self) -> bool:
        rows = TrainingRun.objects.filter(state__in=ACTIVE_TRAINING_STATES).exclude(state="queued")
        return _comes(lambda: asking(rows.exists), 2) and self.site.kill("training")

    def kill_web(self) -> bool:
        found = self.site.tree("web")[1:]
        if not found:
            return False
        self.chance.choice(found).kill()
        return True

    def hang(self) -> None:
        with self.site.hanging(self.chance.choice(WORKERS)):
            time.sleep(self.chance.uniform(1, 4))

    def hang_past_lease(self) -> bool:
        """Others take its work meanwhile; when it wakes it must not write what it had in hand."""
        name = self.chance.choice(MARKING)
        if any(thread.is_alive() for thread in self.hangs):
            return False

        def hang() -> None:
            with self.site.hanging(name):
                time.sleep(settings.LEASE_SECONDS + 10)

        self.hangs.append(threading.Thread(target=hang, daemon=True))
        self.hangs[-1].start()
        return True

    # --- servers -----------------------------------------------------------------------------------------------------
    def restart_redis(self, *, kill: bool) -> None:
        self.redis.stop(kill=kill)
        time.sleep(self.chance.uniform(0, 1.5))
        self.redis.start()

    def flush(self) -> None:
        import redis

        with redis.Redis(port=self.redis.port) as client:
            client.flushall()

    def restart_postgres(self, mode: str) -> None:
        connection.close()
        self.postgres.stop(mode)
        time.sleep(self.chance.uniform(0, 1.5))
        self.postgres.start()

    def fill_disk(self) -> None:
        assert self.small_disk is not None
        ballast = self.small_disk / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 65536)
        with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
            while True:
                file.write(b"\0" * 256)
        time.sleep(self.chance.uniform(1.5, 3))
        ballast.unlink()

    # --- messages and time -------------------------------------------------------------------------------------------
    def repeat(self) -> None:
        name, queue = self.chance.choice([("mark_next", "marking"), ("train_next", "training"), ("sweep", "default")])
        for _ in range(2):
            with contextlib.suppress(Exception):
                celery_app.send_task(f"grading.tasks.{name}", queue=queue, task_id=f"twice-{name}-{time.time():.0f}")

    def slow(self) -> None:
        self.proxy.delay = self.chance.uniform(0.3, 1.5)
        time.sleep(self.chance.uniform(2, 4))
        self.proxy.delay = 0

    def wrong_clock(self) -> None:
        """What beat asks for, done by a node whose clock is ten minutes wrong: every lease looks over, or new."""
        shift = timedelta(minutes=self.chance.choice([-10, 10]))
        right = timezone.now

        def wrong() -> datetime:
            return right() + shift

        with mock.patch("django.utils.timezone.now", wrong):
            asking(sweep)


def _comes(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def _holders(rows: object) -> list[str]:
    return list(rows.values_list("worker", flat=True).distinct())  # type: ignore[attr-defined]


def _in_transaction() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT application_name FROM pg_stat_activity"
            " WHERE backend_xid IS NOT NULL AND application_name = ANY(%s)",
            [WORKERS],
        )
        return [row[0] for row in cursor.fetchall()]
