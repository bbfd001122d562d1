"""A marking worker that dies in the middle of a run: nothing is lost, and nothing is graded twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import psutil
import pytest

from grading.models import Grade, GradingJob, GradingRun, JobState
from grading.services import RunProgress, grading_run_cancel, grading_run_start, run_progress
from grading.services.upkeep import sweep
from tests.faults.conftest import Workers, until
from tests.grading.factories import make_assignment, make_submission, make_user, make_version

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

ANSWERS = 48


@pytest.fixture
def run(workers: Workers, tiny_adapter: Path) -> GradingRun:
    make_version(directory=tiny_adapter)
    assignment = make_assignment(criteria=(2, 2))
    for number in range(ANSWERS):
        make_submission(assignment, f"The gap number {number} opens the circuit, so no current flows. " * 4)
    return grading_run_start(assignment=assignment, by=make_user(), scope="all")


def in_the_middle(run: GradingRun) -> bool:
    progress = run_progress(run)
    return 4 <= progress.done < ANSWERS - 8 and progress.running > 0


def test_kill_9_in_the_middle_of_a_run_loses_nothing_and_grades_nothing_twice(
    run: GradingRun, workers: Workers
) -> None:
    assert not run_progress(run).worker_listening, "the run waits while no worker is there"
    first = workers.start("marking")
    until(lambda: in_the_middle(run), "some answers are marked and some are in work")
    workers.kill(first)
    written = dict(Grade.objects.values_list("pk", "proposed_score"))
    held = set(GradingJob.objects.filter(state=JobState.RUNNING).values_list("pk", flat=True))
    assert held, "the worker died with work in hand"

    second = workers.start("marking")
    # The second one takes what was queued; what the first held comes back when its lease is over.
    until(lambda: _swept(run).done == ANSWERS, "all answers are marked")

    grades = Counter(Grade.objects.values_list("submission", flat=True))
    assert len(grades) == ANSWERS
    assert set(grades.values()) == {1}
    assert dict(Grade.objects.filter(pk__in=written).values_list("pk", "proposed_score")) == written
    attempts = dict(GradingJob.objects.values_list("pk", "attempt"))
    assert {attempts[job] for job in held} == {2}
    assert {attempt for job, attempt in attempts.items() if job not in held} == {1}
    assert second.poll() is None


def test_a_worker_process_that_dies_is_replaced_by_its_worker(run: GradingRun, workers: Workers) -> None:
    worker = workers.start("marking")
    until(lambda: in_the_middle(run), "some answers are marked and some are in work")
    for child in psutil.Process(worker.pid).children():
        child.kill()
    until(lambda: _swept(run).done == ANSWERS, "all answers are marked")
    assert Grade.objects.count() == ANSWERS


def test_a_run_cancelled_in_the_middle_stops_and_the_worker_goes_on_with_the_next(
    run: GradingRun, workers: Workers
) -> None:
    worker = workers.start("marking")
    until(lambda: in_the_middle(run), "some answers are marked and some are in work")
    teacher = make_user()
    grading_run_cancel(run=run, by=teacher)
    written = Grade.objects.count()
    again = grading_run_start(assignment=run.assignment, by=teacher, scope="ungraded")
    until(lambda: _swept(again).done == ANSWERS - written, "the rest is marked by the next run")
    assert Grade.objects.filter(job__run=run).count() == written == run_progress(run).done
    assert worker.poll() is None


def test_a_worker_that_is_told_to_stop_gives_back_what_it_cannot_finish(run: GradingRun, workers: Workers) -> None:
    workers.environment |= {"REMAP_SIGTERM": "SIGQUIT", "WORKER_SOFT_SHUTDOWN_SECONDS": "10"}
    worker = workers.start("marking")
    until(lambda: in_the_middle(run), "some answers are marked and some are in work")
    worker.terminate()
    worker.wait(timeout=120)
    progress = run_progress(run)
    assert progress.running == 0, "nothing waits for its lease to run out"
    assert progress.queued, "it did not wait for the whole run"
    assert set(run.jobs.filter(state=JobState.QUEUED).values_list("attempt", flat=True)) <= {0}
    assert progress.done + progress.queued == ANSWERS


def _swept(run: GradingRun) -> RunProgress:
    """Progress, after what beat does every few seconds."""
    sweep()
    return run_progress(run)
