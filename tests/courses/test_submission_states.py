"""Hand-ins of two students in whatever order, beside a plain model of what was taken."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from courses.errors import UserError
from courses.models import Membership, Submission, SubmissionSource
from courses.services import submission_create
from tests.factories import AssignmentFactory, MembershipFactory

who = st.integers(0, 1)
FILES = [("answer.txt", b"The gap opens it."), ("answer.pdf", b"%PDF-1.4 broken"), ("answer.txt", b"")]


class HandingIn(RuleBasedStateMachine):
    """What was taken is kept as it was, whatever comes after it; a refused hand-in changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.assignment = AssignmentFactory()
        self.students = [MembershipFactory(course=self.assignment.course).user for _ in range(2)]
        self.taken: list[tuple[int, int, str, bytes | None]] = []  # row, student, text, file

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.outer.__exit__(None, None, None)

    def hand_in(self, index: int, **what: Any) -> None:
        student = self.students[index]
        try:
            row = submission_create(assignment=self.assignment, student=student, by=student, **what)
        except UserError:
            return
        file = what.get("file")
        self.taken.append((row.pk, student.pk, row.text, file[1] if file else None))

    @rule(index=who, text=st.sampled_from(["", "The gap.", "The gap.", "A ‘gap’ – or two"]))
    def type_an_answer(self, index: int, text: str) -> None:
        self.hand_in(index, source=SubmissionSource.TYPED, text=text)

    @rule(index=who, file=st.sampled_from(FILES))
    def upload(self, index: int, file: tuple[str, bytes]) -> None:
        self.hand_in(index, source=SubmissionSource.UPLOAD, file=file)

    @rule(index=who)
    def leave_or_come_back(self, index: int) -> None:
        course, user = self.assignment.course, self.students[index]
        if not Membership.objects.filter(course=course, user=user).delete()[0]:
            MembershipFactory(course=course, user=user)

    @invariant()
    def the_last_one_of_each_is_current_and_the_others_are_superseded(self) -> None:
        last = {student: row for row, student, _, _ in self.taken}
        current = Submission.objects.exclude(state="superseded").values_list("student", "pk")
        assert dict(current) == last
        assert Submission.objects.count() == len(self.taken)

    @invariant()
    def every_text_and_file_is_as_it_was_taken(self) -> None:
        rows = Submission.objects.in_bulk()
        for pk, student, text, file in self.taken:
            row = rows[pk]
            assert (row.student_id, row.text) == (student, text)
            assert bool(row.original) == (file is not None)
            if file is not None:
                with row.original.storage.open(str(row.original.name)) as kept:
                    assert kept.read() == file


@pytest.mark.django_db
def test_no_order_of_hand_ins_loses_or_changes_one() -> None:
    run_state_machine_as_test(
        HandingIn,
        settings=settings(
            max_examples=8,
            stateful_step_count=10,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
