"""Grades and jobs under whatever order of acts people and workers come up with."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from courses.errors import UserError
from courses.models import Submission
from grading.models import Grade, GradeState, GradingJob, GradingRun, JobState
from grading.services import (
    grade_approve,
    grade_by_hand,
    grade_change,
    grade_regrade,
    grade_reject,
    grade_release_again,
    grade_reopen,
    grade_withdraw,
    grades_release,
    grading_run_cancel,
    grading_run_retry_failed,
    grading_run_start,
)
from grading.services.jobs import Claim, job_fail, jobs_claim, jobs_give_back, jobs_release_stale
from grading.services.results import batch_write
from mlcore.schemas import Proposal
from tests.grading.factories import make_assignment, make_submission, make_user, make_version

DECISIONS = [grade_reopen, grade_reject, grade_regrade, grade_withdraw, grade_release_again]
which = st.integers(0, 5)


class Marking(RuleBasedStateMachine):
    """A teacher, an old and a new worker, and three answers. User errors are fine; anything else is a bug."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = transaction.atomic()
        self.outer.__enter__()
        make_version()
        self.teacher = make_user()
        self.assignment = make_assignment(criteria=(2, 2))
        self.submissions = [make_submission(self.assignment) for _ in range(3)]
        self.claims: list[Claim] = []

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.outer.__exit__(None, None, None)

    def ask(self, act: Any, **arguments: Any) -> None:
        try:
            with transaction.atomic():
                act(**arguments)
        except UserError:
            pass  # refusals are fine

    def a_grade(self, index: int) -> Grade | None:
        grades = list(Grade.objects.order_by("-pk")[:6])
        return grades[index % len(grades)] if grades else None

    @rule(scope=st.sampled_from(["all", "ungraded"]))
    def start(self, scope: str) -> None:
        self.ask(grading_run_start, assignment=self.assignment, by=self.teacher, scope=scope)

    @rule(index=which)
    def start_selected(self, index: int) -> None:
        chosen = [self.submissions[index % 3]]
        self.ask(grading_run_start, assignment=self.assignment, by=self.teacher, scope="selected", submissions=chosen)

    @rule(limit=st.integers(1, 3))
    def claim(self, limit: int) -> None:
        claim = jobs_claim(worker=f"worker-{len(self.claims)}", limit=limit)
        if claim is not None:
            self.claims.append(claim)

    @rule(index=which, points=st.sampled_from([0.0, 1.5, 4.0]))
    def write(self, index: int, points: float) -> None:
        """Also results of claims that were lost, cancelled, or written before."""
        if self.claims:
            claim = self.claims[index % len(self.claims)]
            found = {t.job_id: Proposal(str(t.job_id), points / 4, points, feedback="f") for t in claim.tickets}
            batch_write(claim=claim, proposals=found)

    @rule(index=which, final=st.booleans())
    def fail(self, index: int, final: bool) -> None:
        if self.claims:
            for ticket in self.claims[index % len(self.claims)].tickets:
                job_fail(ticket=ticket, code="model_failed", detail="", final=final)

    @rule(index=which)
    def give_back(self, index: int) -> None:
        if self.claims:
            claim = self.claims[index % len(self.claims)]
            jobs_give_back(claim=claim, tickets=claim.tickets)

    @rule()
    def lose_workers(self) -> None:
        GradingJob.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
        jobs_release_stale()

    @rule()
    def cancel(self) -> None:
        for run in GradingRun.objects.all():
            grading_run_cancel(run=run, by=self.teacher)

    @rule()
    def retry(self) -> None:
        for run in GradingRun.objects.all():
            grading_run_retry_failed(run=run, by=self.teacher)

    @rule(index=which, points=st.sampled_from([None, "1", "2.5", "9"]), stale=st.booleans(), approve=st.booleans())
    def review(self, index: int, points: str | None, stale: bool, approve: bool) -> None:
        grade = self.a_grade(index)
        if grade is not None:
            act = grade_approve if approve else grade_change
            edition = grade.edition - stale
            given = Decimal(points) if points else None
            self.ask(act, grade=grade, by=self.teacher, edition=edition, points=given)

    @rule(index=which, act=st.sampled_from(DECISIONS))
    def decide(self, index: int, act: Any) -> None:
        grade = self.a_grade(index)
        if grade is not None:
            self.ask(act, grade=grade, by=self.teacher)

    @rule(index=which)
    def by_hand(self, index: int) -> None:
        self.ask(grade_by_hand, submission=self.submissions[index % 3], by=self.teacher)

    @rule()
    def release(self) -> None:
        self.ask(grades_release, assignment=self.assignment, by=self.teacher)

    @rule(index=which)
    def hand_in_again(self, index: int) -> None:
        Submission.objects.filter(pk=self.submissions[index % 3].pk).update(state="superseded")

    @invariant()
    def at_most_one_open_and_one_released_grade(self) -> None:
        for submission in self.submissions:
            states = list(submission.grades.values_list("state", flat=True))
            assert sum(state in ("proposed", "approved") for state in states) <= 1
            assert states.count(GradeState.RELEASED) <= 1

    @invariant()
    def a_job_that_succeeded_has_one_grade_and_no_other_has_any(self) -> None:
        for job in GradingJob.objects.all():
            assert Grade.objects.filter(job=job).count() == (job.state == JobState.SUCCEEDED)

    @invariant()
    def history_follows_the_map(self) -> None:
        for grade in Grade.objects.prefetch_related("events"):
            steps = [(e.before["state"], e.after["state"]) for e in grade.events.all() if "state" in e.before]
            for source, target in steps:
                assert target in Grade.TRANSITIONS[GradeState(source)]
            assert not steps or steps[-1][1] == grade.state

    @invariant()
    def only_released_grades_are_trained_on(self) -> None:
        for grade in Grade.objects.all():
            assert grade.training_examples.filter(state="accepted").count() == (grade.state == GradeState.RELEASED)


@pytest.mark.django_db
def test_no_order_of_acts_breaks_grades_or_jobs():
    run_state_machine_as_test(
        Marking,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
