# ruff: noqa: INP001, T201 (a script beside pages of documentation, no package)
"""How much sooner a grading run ends with a second marking worker: `python docs/two_workers.py --answers 60`.

Real worker processes with the bundled model, one thread of torch each, a broker and a database of their own in a
directory that is gone afterwards. The same answers are marked three ways, in turns, so that what else the machine does
falls on all of them: by one worker; by two; and by one that a second one joins, cold, when the run has begun.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
Process = subprocess.Popen[bytes]
WAYS = ("one", "two", "joined")
SENTENCE = "The switch number {number} opens the circuit, so that no current flows and the lamp goes out. "


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--answers", type=int, default=60)
    options.add_argument("--rounds", type=int, default=2)
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))  # so that what was started is stopped, too
    with tempfile.TemporaryDirectory(prefix="two-workers-") as place:
        from gradingsite import broker

        os.environ |= environment(Path(place), broker.socket_url(Path(place)))
        server = subprocess.Popen(broker.command(Path(place)), stdout=subprocess.DEVNULL)
        try:
            _measure(given.answers, given.rounds, Path(place))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def environment(place: Path, broker_url: str) -> dict[str, str]:
    base = os.environ.get("MARGINALIA_BASE_DIR") or str(ROOT / "var" / "models" / "smollm2-135m-instruct")
    return {
        "DJANGO_SETTINGS_MODULE": "gradingsite.settings",
        "MARGINALIA_VAR": str(place),
        "MARGINALIA_BASE_DIR": base,
        "REDIS_URL": broker_url,
        "DATABASE_URL": "",
        # As it lies in memory on a laptop without 4-bit kernels: several times as fast there, and as honest here.
        "MARGINALIA_QUANTISATION": os.environ.get("MARGINALIA_QUANTISATION", "none"),
        "OMP_NUM_THREADS": "1",
        "HEARTBEAT_SECONDS": "1",
        "MARKING_BATCH_SIZE": "4",
        "REMAP_SIGTERM": "SIGQUIT",
        "LOG_LEVEL": "WARNING",
    }


def _measure(answers: int, rounds: int, place: Path) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("register_starter", verbosity=0)
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    workers = [worker(place, 0)]
    try:
        for _ in range(rounds):
            for way in WAYS:
                found[way].append(_run(way, answers, place, workers))
                print(f"{way:<7} {found[way][-1]:7.1f} s   load of the machine {os.getloadavg()[0]:.1f}", flush=True)
    finally:
        stop(workers, down_to=0)
    seconds = {way: statistics.median(times) for way, times in found.items()}
    for way in WAYS:
        print(f"{way:<7} {seconds[way]:7.1f} s   {answers / seconds[way]:.2f} marks a second (median of {rounds})")
    print(f"one / two = {seconds['one'] / seconds['two']:.2f}, one / joined = {seconds['one'] / seconds['joined']:.2f}")


def _run(way: str, answers: int, place: Path, workers: list[Process]) -> float:
    """Seconds from the teacher's click to the last mark."""
    from grading.models import JobState
    from grading.services import grading_run_start
    from tests.grading.factories import make_assignment, make_submission, make_user

    assignment = make_assignment(criteria=(2, 2))
    for number in range(answers):
        make_submission(assignment, SENTENCE.format(number=number) * 2)
    stop(workers, down_to=1)
    if way == "two":
        workers.append(worker(place, 1))
    until(lambda: _woken() == len(workers), "the workers have loaded the model")
    begun = time.monotonic()
    run = grading_run_start(assignment=assignment, by=make_user(), scope="all", with_feedback=False)
    if way == "joined":
        workers.append(worker(place, 2))
    until(lambda: run.jobs.filter(state=JobState.SUCCEEDED).count() == answers, "all answers are marked")
    seconds = time.monotonic() - begun
    by = Counter(run.jobs.values_list("worker", flat=True))
    print(f"        marked by each: {sorted(by.values(), reverse=True)}")
    return seconds


def stop(workers: list[Process], *, down_to: int) -> None:
    for worker in workers[down_to:]:
        worker.terminate()
        worker.wait()
    del workers[down_to:]
    until(lambda: _loaded() <= down_to, "the others are gone", seconds=120)


def worker(place: Path, number: int) -> Process:
    celery = [sys.executable, "-m", "celery", "--quiet", "--app", "gradingsite", "worker", "--queues", "marking"]
    flags = ["--pool", "prefork", "--concurrency", "1", "--without-gossip", "--without-mingle"]
    with (place / "workers.log").open("ab") as log:
        # A session each, as services have: a busy machine shares its time out among sessions.
        return subprocess.Popen(
            [*celery, *flags, "--hostname", f"w{number}@%h"], cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        )


def _woken() -> int:
    """Those that have loaded the model. A message makes a worker do so, and one that has it may get the message."""
    from grading import tasks

    tasks.mark_next.delay()
    time.sleep(1)
    return _loaded()


def _loaded() -> int:
    from grading.models import Worker

    return Worker.objects.exclude(version_name="").count()


def until(condition: Callable[[], bool], what: str, seconds: float = 1800) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
