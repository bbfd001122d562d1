# ruff: noqa: INP001, T201 (a script beside pages of documentation, no package)
"""What the queue carries without any model: `python docs/queues.py --answers 4000`.

PostgreSQL and Redis from Debian's packages, in a directory that is gone afterwards. Claims and writes are the services
that workers use, batch by batch, by `--workers` processes at once; messages go through the broker to one worker.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
MESSAGES = 2000
TEXT = "The switch opens the circuit, so that no current flows and the lamp goes out. " * 3


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--answers", type=int, default=4000)
    options.add_argument("--batch", type=int, default=8)
    options.add_argument("--workers", type=int, default=2)
    given = options.parse_args()
    from tests.faults.harness import servers

    if reason := servers.missing():
        raise SystemExit(reason)
    with tempfile.TemporaryDirectory(prefix="queues-") as directory:
        place = Path(directory)
        # PostgreSQL's own user has to reach its directory.
        place.chmod(0o755)
        postgres, redis = servers.Postgres(place / "cluster"), servers.Redis(place / "redis")
        postgres.create()
        redis.directory.mkdir()
        redis.start()
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "gradingsite.settings",
            "MARGINALIA_VAR": str(place / "var"),
            "DATABASE_URL": postgres.url,
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
            "LOG_LEVEL": "WARNING",
        }
        try:
            _measure(given.answers, given.batch, given.workers, place)
        finally:
            redis.stop()
            postgres.stop("immediate")


def _measure(answers: int, batch: int, workers: int, place: Path) -> None:
    _prepare(answers)
    begun = time.monotonic()
    with ProcessPoolExecutor(workers) as pool:
        done = sum(pool.map(_work, [batch] * workers))
    seconds = time.monotonic() - begun
    rate = f"{done / seconds:.0f} a second"
    print(f"{done} answers claimed in batches of {batch} and written by {workers} processes: {rate}")
    _messages(place)


def _setup() -> None:
    import django

    django.setup()


def _prepare(answers: int) -> None:
    """Rows to claim: one run of that many jobs."""
    _setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from courses.models import Submission
    from tests.grading.factories import make_assignment, make_run

    names = [f"answer{number}@example.org" for number in range(answers)]
    people = get_user_model().objects.bulk_create([get_user_model()(username=name, email=name) for name in names])
    same = {"assignment": make_assignment(), "text": TEXT, "state": "ready", "source": "typed"}
    rows = [Submission(**same, student=person, submitted_at=timezone.now()) for person in people]
    make_run(rows[0].assignment, Submission.objects.bulk_create(rows, batch_size=1000))
    # Each process has a connection of its own.
    connection.close()


def _work(batch: int) -> int:
    _setup()
    from grading.services.jobs import jobs_claim
    from grading.services.results import batch_write
    from mlcore.schemas import Proposal

    done = 0
    while (claim := jobs_claim(worker=f"w{os.getpid()}", limit=batch)) is not None:
        found = {
            ticket.job_id: Proposal(str(ticket.job_id), 0.5, 2.0, feedback="Name the process.", embedding=b"\0" * 1152)
            for ticket in claim.tickets
        }
        done += batch_write(claim=claim, proposals=found)
    return done


def _messages(place: Path) -> None:
    from grading import tasks
    from gradingsite import health

    begun = time.monotonic()
    for _ in range(MESSAGES):
        tasks.mark_next.delay()
    sent = time.monotonic() - begun
    command = [sys.executable, "-m", "celery", "--quiet", "--app", "gradingsite", "worker", "--queues", "marking"]
    with (place / "worker.log").open("ab") as log:
        worker = subprocess.Popen([*command, "--pool", "solo"], cwd=ROOT, stdout=log, stderr=log)
    try:
        while (health.queue_lengths() or {})["marking"] > MESSAGES - 100:
            time.sleep(0.05)
        begun, first = time.monotonic(), (health.queue_lengths() or {})["marking"]
        while (left := (health.queue_lengths() or {})["marking"]) > 0 and time.monotonic() - begun < 60:
            time.sleep(0.05)
        taken = (first - left) / (time.monotonic() - begun)
    finally:
        worker.terminate()
        worker.wait()
    print(f"messages a second: {MESSAGES / sent:.0f} sent, {taken:.0f} taken by a worker that finds nothing to mark")


if __name__ == "__main__":
    main()
