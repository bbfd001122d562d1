from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from grading.exceptions import NoModelVersion, NothingToMark
from grading.models import GradingJob, GradingRun, JobState, Worker
from grading.services import grading_run_cancel, grading_run_retry_failed, grading_run_start, run_progress
from tests.grading.factories import make_assignment, make_grade, make_submission, make_version


def started(teacher: User, assignment, scope: str = "all", **arguments: object) -> set[int]:
    run = grading_run_start(assignment=assignment, by=teacher, scope=scope, **arguments)
    return set(run.jobs.values_list("submission_id", flat=True))


def test_it_queues_every_ready_submission_for_the_version_in_use(teacher):
    assignment, version = make_assignment(), make_version()
    one, two = make_submission(assignment), make_submission(assignment)
    make_submission(assignment, state="unreadable")
    make_submission()
    run = grading_run_start(assignment=assignment, by=teacher, scope="all")
    assert set(run.jobs.values_list("submission_id", flat=True)) == {one.pk, two.pk}
    assert run.version == version


def test_a_second_click_starts_nothing_twice(teacher):
    assignment = make_assignment()
    make_version()
    make_submission(assignment)
    first = grading_run_start(assignment=assignment, by=teacher, scope="all")
    second = grading_run_start(assignment=assignment, by=teacher, scope="all")
    assert first == second
    assert (GradingRun.objects.count(), GradingJob.objects.count()) == (1, 1)


def test_a_submission_that_came_later_gets_a_run_of_its_own(teacher):
    assignment = make_assignment()
    make_version()
    make_submission(assignment)
    first = grading_run_start(assignment=assignment, by=teacher, scope="all")
    late = make_submission(assignment)
    second = grading_run_start(assignment=assignment, by=teacher, scope="all")
    assert second != first
    assert list(second.jobs.values_list("submission", flat=True)) == [late.pk]


def test_it_refuses_without_a_version_in_use(teacher):
    make_version("retired")
    with pytest.raises(NoModelVersion):
        grading_run_start(assignment=make_submission().assignment, by=teacher, scope="all")


def test_it_refuses_where_nothing_is_left_to_mark(teacher):
    make_version()
    submission = make_submission()
    make_grade(submission, "approved", points=Decimal(2))
    with pytest.raises(NothingToMark):
        grading_run_start(assignment=submission.assignment, by=teacher, scope="all")


def test_ungraded_means_without_a_proposal_decision_or_release(teacher):
    make_version()
    assignment = make_assignment()
    for state in ("proposed", "released", "withdrawn"):
        make_grade(make_submission(assignment), state, points=Decimal(1) if state == "released" else None)
    rejected, bare = make_submission(assignment), make_submission(assignment)
    make_grade(rejected, "rejected")
    assert started(teacher, assignment, "ungraded") == {rejected.pk, bare.pk}


def test_all_marks_released_ones_again_but_leaves_what_a_person_works_on(teacher):
    make_version()
    assignment = make_assignment()
    proposed, released, edited = (make_submission(assignment) for _ in range(3))
    make_grade(proposed)
    make_grade(released, "released", points=Decimal(2))
    make_grade(edited, edition=2)
    assert started(teacher, assignment) == {proposed.pk, released.pk}


def test_selected_ones_are_marked_even_when_a_person_works_on_them(teacher):
    make_version()
    assignment = make_assignment()
    edited, other = make_submission(assignment), make_submission(assignment)
    make_grade(edited, edition=2)
    assert started(teacher, assignment, "selected", submissions=[edited]) == {edited.pk}
    assert not GradingJob.objects.filter(submission=other).exists()


def test_cancel_ends_what_was_not_written_yet(teacher):
    make_version()
    assignment = make_assignment()
    for _ in range(3):
        make_submission(assignment)
    run = grading_run_start(assignment=assignment, by=teacher, scope="all")
    done = run.jobs.first()
    GradingJob.objects.filter(pk=done.pk).update(state=JobState.SUCCEEDED)
    assert grading_run_cancel(run=run, by=teacher) == 2
    progress = run_progress(run)
    assert (progress.done, progress.cancelled, progress.active) == (1, 2, False)


def test_retry_queues_failed_jobs_with_fresh_attempts(teacher):
    make_version()
    assignment = make_assignment()
    make_submission(assignment)
    run = grading_run_start(assignment=assignment, by=teacher, scope="all")
    run.jobs.update(state=JobState.FAILED, attempt=3, error_code="model_failed")
    assert grading_run_retry_failed(run=run, by=teacher) == 1
    job = run.jobs.get()
    assert (job.state, job.attempt, job.error_code) == (JobState.QUEUED, 0, "")


def test_retry_leaves_what_another_run_is_marking(teacher):
    make_version()
    submission = make_submission()
    run = grading_run_start(assignment=submission.assignment, by=teacher, scope="all")
    run.jobs.update(state=JobState.FAILED)
    grading_run_start(assignment=submission.assignment, by=teacher, scope="all")
    assert grading_run_retry_failed(run=run, by=teacher) == 0


def test_progress_says_whether_a_worker_is_listening(teacher):
    make_version()
    run = grading_run_start(assignment=make_submission().assignment, by=teacher, scope="all")
    assert not run_progress(run).worker_listening
    now = timezone.now()
    Worker.objects.create(name="w", kind="marking", started_at=now, seen_at=now)
    assert run_progress(run).worker_listening
