"""An upgrade while answers are marked: a worker that is told to stop finishes its batch, and one of older code takes
nothing any more once the tables are of newer code. Real workers, real signals."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
from django.db.migrations.recorder import MigrationRecorder

from grading.models import Grade, GradingJob, GradingRun, JobState, Worker
from grading.services import grading_run_start, run_progress
from grading.services.upkeep import sweep
from tests.faults.conftest import Workers, until
from tests.grading.factories import make_assignment, make_submission, make_user, make_version

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

ANSWERS, BATCH = 24, 4


@pytest.fixture
def run(workers: Workers, tiny_adapter: Path) -> GradingRun:
    # Large enough that the signal comes in the middle of a batch, and that it is not the last one.
    workers.environment |= {
        "MARKING_BATCH_SIZE": str(BATCH),
        "REMAP_SIGTERM": "SIGQUIT",
        # Celery sleeps so long, however soon the batch is finished.
        "WORKER_SOFT_SHUTDOWN_SECONDS": "10",
        "LOG_FORMAT": "json",
    }
    make_version(directory=tiny_adapter)
    assignment = make_assignment(criteria=(2, 2))
    for number in range(ANSWERS):
        make_submission(assignment, f"The gap number {number} opens the circuit, so no current flows. " * 8)
    return grading_run_start(assignment=assignment, by=make_user(), scope="all")


def held(run: GradingRun) -> set[int]:
    return set(run.jobs.filter(state=JobState.RUNNING).values_list("pk", flat=True))


def test_a_worker_that_gets_sigterm_finishes_its_batch_and_the_next_one_goes_on(
    run: GradingRun, workers: Workers
) -> None:
    first = workers.start("marking")
    until(lambda: run_progress(run).done and held(run), "a batch is in work")
    in_work = held(run)
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=120) == 0
    states = dict(run.jobs.values_list("pk", "state"))
    assert {states[job] for job in in_work} == {JobState.SUCCEEDED}, "the batch in work was finished"
    left = run_progress(run)
    assert left.running == 0
    assert left.queued, "it took no other"

    workers.start("marking")
    until(lambda: run_progress(run).done == ANSWERS, "the next worker does the rest")
    assert set(run.jobs.values_list("attempt", flat=True)) == {1}, "no answer was marked twice"
    assert Grade.objects.count() == ANSWERS
    _lines_of_a_worker_name_what_they_are_about(workers, run)


def _lines_of_a_worker_name_what_they_are_about(workers: Workers, run: GradingRun) -> None:
    lines = [json.loads(line) for line in workers.log.read_text().splitlines() if line.startswith("{")]
    batches = [line for line in lines if line["message"].startswith("a batch of")]
    assert batches
    assert {line["run"] for line in batches} == {run.pk}
    assert all(line["jobs"] and line["task"] for line in batches)
    assert "opens the circuit" not in workers.log.read_text()


def test_an_old_worker_takes_nothing_from_newer_tables_and_a_new_one_does(run: GradingRun, workers: Workers) -> None:
    workers.start("marking")
    until(lambda: run_progress(run).done and held(run), "a batch is in work")
    in_work = held(run)
    newer = MigrationRecorder.Migration.objects.create(app="grading", name="9999_from_tomorrow")
    until(lambda: not held(run), "the batch in work is finished")
    assert set(run.jobs.filter(pk__in=in_work).values_list("state", flat=True)) == {JobState.SUCCEEDED}
    done = run_progress(run).done
    assert done < ANSWERS
    for _ in range(10):
        sweep()  # wakes the worker, as beat does
        time.sleep(0.2)
    assert run_progress(run).done == done, "it takes no other while the tables are newer than its code"
    assert Worker.objects.filter(kind="marking").exists(), "it stays there, and the health page shows it"
    assert not GradingJob.objects.filter(state=JobState.FAILED).exists()

    newer.delete()  # as if workers of the newer code had come
    until(lambda: (sweep(), run_progress(run).done == ANSWERS)[1], "the rest is marked")
    assert set(run.jobs.values_list("attempt", flat=True)) == {1}
