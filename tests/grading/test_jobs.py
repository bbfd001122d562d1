from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from grading.exceptions import message_for
from grading.models import Grade, GradeState, GradingJob, GradingRun, JobState
from grading.readings import assignment_readings
from grading.services import grade_approve, grade_change, grading_run_cancel
from grading.services.jobs import (
    job_fail,
    jobs_claim,
    jobs_give_back,
    jobs_heartbeat,
    jobs_release_stale,
)
from grading.services.results import batch_write
from mlcore.schemas import CriterionScore, MarkNote, Proposal
from tests.grading.factories import make_assignment, make_grade, make_run, make_submission

pytestmark = pytest.mark.django_db


def a_run(number: int = 3, **fields: object) -> GradingRun:
    assignment = make_assignment(criteria=fields.pop("criteria", ()))
    return make_run(assignment, [make_submission(assignment) for _ in range(number)], **fields)


def proposals(claim, points: float = 2.0, **fields: object) -> dict[int, Proposal]:
    return {
        ticket.job_id: Proposal(str(ticket.job_id), points / 4, points, feedback="Good.", **fields)
        for ticket in claim.tickets
    }


def test_a_claim_takes_a_batch_of_one_run_in_order():
    run = a_run(5)
    claim = jobs_claim(worker="w", limit=3)
    first = list(run.jobs.order_by("pk")[:3])
    assert [ticket.job_id for ticket in claim.tickets] == [job.pk for job in first]
    assert {(job.state, job.attempt, job.worker) for job in first} == {(JobState.RUNNING, 1, "w")}
    assert claim.question.text == run.assignment.question


def test_what_is_claimed_is_not_claimed_again():
    a_run(3)
    one, two = jobs_claim(worker="a", limit=2), jobs_claim(worker="b", limit=2)
    assert not {t.job_id for t in one.tickets} & {t.job_id for t in two.tickets}
    assert jobs_claim(worker="c", limit=2) is None


def test_runs_take_turns_the_oldest_first():
    one, two = a_run(4), a_run(4)
    order = [jobs_claim(worker="w", limit=2).run_id for _ in range(4)]
    assert order == [one.pk, two.pk, one.pk, two.pk]


def test_what_the_model_read_is_kept_and_replaced_by_the_same_version_s_next_reading():
    run = a_run(2)
    for value in (b"\x00\x3c", b"\x00\x40"):
        claim = jobs_claim(worker="w", limit=9)
        batch_write(claim=claim, proposals=proposals(claim, embedding=value))
        submissions = [ticket.submission_id for ticket in claim.tickets]
        make_run(run.assignment, [row.submission for row in assignment_readings(run.assignment)], version=run.version)
    rows = assignment_readings(run.assignment)
    assert [(row.submission_id, row.score, bytes(row.embedding)) for row in rows] == [
        (key, 0.5, b"\x00\x40") for key in submissions
    ]


def test_a_larger_batch_is_written_with_as_many_queries():
    used = []
    for number in (2, 12):
        a_run(number)
        claim = jobs_claim(worker="w", limit=number)
        with CaptureQueriesContext(connection) as seen:
            assert batch_write(claim=claim, proposals=proposals(claim)) == number
        used.append(len(seen))
    assert used[0] == used[1]


def test_what_the_model_did_not_read_leaves_no_reading():
    run = a_run(1)
    claim = jobs_claim(worker="w", limit=9)
    batch_write(claim=claim, proposals=proposals(claim))
    assert not assignment_readings(run.assignment).exists()


def test_results_become_grades_with_feedback_criteria_and_history():
    run = a_run(1, criteria=(2, 2))
    claim = jobs_claim(worker="w", limit=8)
    one, two = claim.question.criteria
    scores = (CriterionScore(one.id, 1.5), CriterionScore(two.id, 0.5))
    assert batch_write(claim=claim, proposals=proposals(claim, criteria=scores, unread_characters=7)) == 1
    grade = Grade.objects.get()
    assert (grade.state, grade.source, grade.version) == (GradeState.PROPOSED, "model", run.version)
    assert (grade.proposed_points, grade.points, grade.unread_characters) == (Decimal(2), None, 7)
    assert [score.proposed_points for score in grade.criterion_scores.all()] == [Decimal("1.5"), Decimal("0.5")]
    assert grade.feedback.text == grade.feedback.proposed_text == "Good."
    assert grade.events.get().after["version"] == run.version.name
    assert run.jobs.get().state == JobState.SUCCEEDED


def test_proposed_points_lie_on_the_step():
    a_run(1)
    claim = jobs_claim(worker="w", limit=1)
    batch_write(claim=claim, proposals=proposals(claim, 2.81))
    assert Grade.objects.get().proposed_points == 3


def test_an_answer_that_was_blank_is_proposed_by_rule_and_names_no_version():
    a_run(1)
    claim = jobs_claim(worker="w", limit=1)
    batch_write(claim=claim, proposals=proposals(claim, 0, notes=frozenset({MarkNote.BLANK})))
    grade = Grade.objects.get()
    assert (grade.source, grade.version, grade.notes) == ("rule", None, ["blank"])


def test_nothing_is_written_for_a_cancelled_job(teacher):
    run = a_run(2)
    claim = jobs_claim(worker="w", limit=2)
    grading_run_cancel(run=run, by=teacher)
    assert batch_write(claim=claim, proposals=proposals(claim)) == 0
    assert not Grade.objects.exists()
    assert {job.state for job in run.jobs.all()} == {JobState.CANCELLED}


def test_a_worker_that_was_given_up_writes_nothing_over_the_next_one():
    run = a_run(2)
    lost = jobs_claim(worker="lost", limit=2)
    GradingJob.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert jobs_release_stale() == 2
    again = jobs_claim(worker="next", limit=2)
    assert jobs_heartbeat(claim=lost) == 0
    assert batch_write(claim=lost, proposals=proposals(lost, 1)) == 0
    assert batch_write(claim=again, proposals=proposals(again, 3)) == 2
    assert {grade.proposed_points for grade in Grade.objects.all()} == {Decimal(3)}
    assert {job.attempt for job in run.jobs.all()} == {2}


def test_the_same_results_twice_make_one_grade():
    a_run(1)
    claim = jobs_claim(worker="w", limit=1)
    assert [batch_write(claim=claim, proposals=proposals(claim)) for _ in range(2)] == [1, 0]


def test_a_job_fails_after_three_lost_workers():
    run = a_run(1)
    for _ in range(3):
        assert jobs_claim(worker="w", limit=1) is not None
        GradingJob.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
        jobs_release_stale()
    job = run.jobs.get()
    assert (job.state, job.error_code) == (JobState.FAILED, "worker_lost")
    assert "three times" in message_for(job.error_code)


def test_a_fresh_heartbeat_keeps_a_job():
    a_run(1)
    claim = jobs_claim(worker="w", limit=1)
    GradingJob.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert jobs_heartbeat(claim=claim) == 1
    assert jobs_release_stale() == 0


def test_a_failure_is_tried_three_times_and_then_says_why():
    run = a_run(1)
    for attempt in (1, 2, 3):
        (ticket,) = jobs_claim(worker="w", limit=1).tickets
        assert ticket.attempt == attempt
        job_fail(ticket=ticket, code="model_failed", detail="ValueError: odd")
    job = run.jobs.get()
    assert (job.state, job.error_code, job.error_detail) == (JobState.FAILED, "model_failed", "ValueError: odd")


def test_a_failure_that_cannot_mend_itself_ends_at_once():
    run = a_run(1)
    (ticket,) = jobs_claim(worker="w", limit=1).tickets
    job_fail(ticket=ticket, code="adapter_unreadable", detail="gone", final=True)
    assert run.jobs.get().state == JobState.FAILED


def test_what_failed_before_comes_after_what_did_not():
    run = a_run(3)
    bad = jobs_claim(worker="w", limit=1).tickets[0]
    job_fail(ticket=bad, code="model_failed", detail="")
    claim = jobs_claim(worker="w", limit=2)
    assert bad.job_id not in {ticket.job_id for ticket in claim.tickets}
    assert run.jobs.filter(state=JobState.QUEUED).get().pk == bad.job_id


def test_giving_back_does_not_count_as_an_attempt():
    run = a_run(2)
    claim = jobs_claim(worker="w", limit=2)
    assert jobs_give_back(claim=claim, tickets=claim.tickets) == 2
    assert {(job.state, job.attempt) for job in run.jobs.all()} == {(JobState.QUEUED, 0)}


def test_a_new_proposal_takes_the_place_of_an_earlier_one():
    run = a_run(1)
    old = make_grade(run.jobs.get().submission)
    claim = jobs_claim(worker="w", limit=1)
    batch_write(claim=claim, proposals=proposals(claim, 3))
    old.refresh_from_db()
    assert old.state == GradeState.SUPERSEDED
    assert Grade.objects.open().get().proposed_points == 3


def test_a_grade_approved_meanwhile_stands(teacher):
    run = a_run(1)
    old = make_grade(run.jobs.get().submission)
    claim = jobs_claim(worker="w", limit=1)
    grade_approve(grade=old, by=teacher, edition=1)
    assert batch_write(claim=claim, proposals=proposals(claim)) == 0
    job = run.jobs.get()
    assert (job.state, job.error_code) == (JobState.CANCELLED, "approved_meanwhile")
    assert Grade.objects.get().state == GradeState.APPROVED


@pytest.mark.parametrize(("scope", "state"), [("all", GradeState.PROPOSED), ("selected", GradeState.SUPERSEDED)])
def test_a_grade_worked_on_meanwhile_stands_unless_it_was_selected(teacher, scope, state):
    run = a_run(1, scope=scope)
    old = make_grade(run.jobs.get().submission)
    claim = jobs_claim(worker="w", limit=1)
    grade_change(grade=old, by=teacher, edition=1, points=Decimal(1))
    batch_write(claim=claim, proposals=proposals(claim))
    old.refresh_from_db()
    assert old.state == state


def test_a_submission_replaced_meanwhile_gets_no_grade():
    run = a_run(1)
    claim = jobs_claim(worker="w", limit=1)
    submission = run.jobs.get().submission
    type(submission).objects.update(state="superseded")
    assert batch_write(claim=claim, proposals=proposals(claim)) == 0
    assert run.jobs.get().error_code == "submission_replaced"
