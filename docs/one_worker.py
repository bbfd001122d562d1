# ruff: noqa: INP001, T201 (a script beside pages of documentation, no package)
"""How fast one marking worker starts, and how much of a long run its model is at work: `python docs/one_worker.py`.

A real worker process with the bundled model, a broker and a database of its own in a directory that is gone afterwards.
The start is timed from the worker's process to the first mark in the database; a run of `--answers` with feedback is
timed from the click to the last mark, and the model's seconds in it are those that the worker counts for its metrics.
`--batch` is MARKING_BATCH_SIZE.
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
from pathlib import Path

from two_workers import SENTENCE, Process, environment, stop, until, worker

from mlcore.bench.inputs import answers


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--answers", type=int, default=128)
    options.add_argument("--starts", type=int, default=3)
    options.add_argument("--batch", type=int, default=0, help="the setting's default unless given")
    options.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))  # so that what was started is stopped, too
    with tempfile.TemporaryDirectory(prefix="one-worker-") as place:
        from gradingsite import broker

        os.environ |= environment(Path(place), broker.socket_url(Path(place)))
        os.environ |= {"OMP_NUM_THREADS": str(given.threads), "METRICS_FLUSH_SECONDS": "1"}
        del os.environ["MARKING_BATCH_SIZE"]
        if given.batch:
            os.environ["MARKING_BATCH_SIZE"] = str(given.batch)
        server = subprocess.Popen(broker.command(Path(place)), stdout=subprocess.DEVNULL)
        try:
            _measure(given.answers, given.starts, Path(place))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def _measure(count: int, starts: int, place: Path) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("register_starter", verbosity=0)
    workers: list[Process] = []
    try:
        seconds = [_start(place, workers) for _ in range(starts)]
        each = ", ".join(f"{one:.1f}" for one in seconds)
        print(f"start to first mark: {each} s; median {statistics.median(seconds):.1f} s")
        _long_run(count)
    finally:
        stop(workers, down_to=0)


def _start(place: Path, workers: list[Process]) -> float:
    """Seconds from a worker's process to the first mark; one answer waits for it."""
    stop(workers, down_to=0)
    run = _run([SENTENCE.format(number=time.monotonic_ns())], with_feedback=False)
    begun = time.monotonic()
    workers.append(worker(place, 0))
    until(lambda: _marked(run) == 1, "the answer is marked")
    return time.monotonic() - begun


def _long_run(count: int) -> None:
    """With a worker that waits and has loaded its model."""
    before = _model_seconds()
    begun = time.monotonic()
    run = _run([answer.text for answer in answers(count)], with_feedback=True)
    made = time.monotonic() - begun
    until(lambda: _marked(run) == count, "all answers are marked")
    wall = time.monotonic() - begun - made
    model = _model_seconds() - before
    print(f"{count} answers with feedback in {wall:.1f} s from the click: {count / wall:.2f} a second")
    print(f"the model was at work in {model:.1f} s of them: {100 * model / wall:.0f} %")


def _run(texts: list[str], *, with_feedback: bool) -> object:
    from grading.services import grading_run_start
    from tests.grading.factories import make_assignment, make_submission, make_user

    assignment = make_assignment()
    for text in texts:
        make_submission(assignment, text)
    return grading_run_start(assignment=assignment, by=make_user(), scope="all", with_feedback=with_feedback)


def _marked(run: object) -> int:
    from grading.models import JobState

    return int(run.jobs.filter(state=JobState.SUCCEEDED).count())  # type: ignore[attr-defined]


def _model_seconds() -> float:
    """As the worker has written it down; it does so every second here."""
    from grading.models import Tally

    time.sleep(3)
    return sum(Tally.objects.filter(name="model_seconds").values_list("value", flat=True))


if __name__ == "__main__":
    main()
