"""Handing in: text and files, again, and at the same moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from courses.errors import AnswerTooLong, NotAStudent, NothingSubmitted, SubmittedMeanwhile
from courses.models import Assignment, Submission, SubmissionState
from courses.services import submission_create
from courses.signals import submission_ready
from tests.courses.files import docx_bytes, pdf_bytes
from tests.factories import SubmissionFactory


def hand_in(assignment: Assignment, student: User, **what: Any) -> Submission:
    return submission_create(assignment=assignment, student=student, by=student, source="typed", **what)


@pytest.fixture
def heard() -> Any:
    """The submissions that were announced, with whether they replaced an earlier one."""
    calls: list[tuple[int, bool]] = []

    def listen(sender: Any, submission: Submission, replaces: bool, **kwargs: Any) -> None:
        calls.append((submission.pk, replaces))

    submission_ready.connect(listen)
    yield calls
    submission_ready.disconnect(listen)


def test_a_typed_answer_is_ready_and_announced(assignment: Assignment, student: User, heard: list[Any]) -> None:
    row = hand_in(assignment, student, text="Blue\x00 light \u202eis\u202c scattered 😀\r\n")
    row.refresh_from_db()
    assert (row.state, row.text) == (SubmissionState.READY, "Blue light \u202eis\u202c scattered 😀")
    assert heard == [(row.pk, False)]


def test_a_blank_typed_answer_is_an_answer(assignment: Assignment, student: User) -> None:
    row = hand_in(assignment, student, text=" \n ")
    assert (row.state, row.is_blank) == (SubmissionState.READY, True)


def test_fifty_thousand_characters_are_kept(assignment: Assignment, student: User) -> None:
    row = hand_in(assignment, student, text="x" * 50_000)
    row.refresh_from_db()
    assert len(row.text) == 50_000


def test_a_file_is_read_and_its_original_kept(assignment: Assignment, student: User) -> None:
    data = docx_bytes("From a document")
    row = hand_in(assignment, student, file=("../../etc/my essay.docx", data))
    row.refresh_from_db()
    assert (row.state, row.text, row.original_name) == (SubmissionState.READY, "From a document", "my essay.docx")
    assert row.original.read() == data
    assert "essay" not in row.original.name


@pytest.mark.parametrize(("data", "reason"), [(b"", "empty"), (pdf_bytes(), "scan"), (docx_bytes("x")[:-50], "broken")])
def test_an_unreadable_file_is_kept_with_the_reason(
    assignment: Assignment, student: User, heard: list[Any], data: bytes, reason: str
) -> None:
    row = hand_in(assignment, student, file=("answer.pdf", data))
    row.refresh_from_db()
    assert (row.state, row.unreadable_reason, row.text) == (SubmissionState.UNREADABLE, reason, "")
    assert row.reason
    assert row.original.read() == data
    assert heard == []


def test_a_new_answer_replaces_the_old_one(assignment: Assignment, student: User, heard: list[Any]) -> None:
    old = hand_in(assignment, student, file=("a.txt", b"first"))
    new = hand_in(assignment, student, text="second")
    old.refresh_from_db()
    assert old.state == SubmissionState.SUPERSEDED
    assert old.original.read() == b"first"
    assert list(Submission.objects.current()) == [new]
    assert heard == [(old.pk, False), (new.pk, True)]


def test_the_database_keeps_one_current_answer_a_student(assignment: Assignment, student: User) -> None:
    SubmissionFactory(assignment=assignment, student=student)
    with pytest.raises(IntegrityError), transaction.atomic():
        SubmissionFactory(assignment=assignment, student=student)


def test_a_clash_in_the_database_is_told_and_leaves_no_file(
    assignment: Assignment, student: User, settings: Any
) -> None:
    def clash(sender: Any, submission: Submission, **kwargs: Any) -> None:
        raise IntegrityError("somebody was quicker")

    submission_ready.connect(clash)
    try:
        with pytest.raises(SubmittedMeanwhile):
            hand_in(assignment, student, file=("a.txt", b"text"))
    finally:
        submission_ready.disconnect(clash)
    assert not Submission.objects.exists()
    assert [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()] == []


def test_it_refuses_nothing_and_too_much(assignment: Assignment, student: User) -> None:
    with pytest.raises(NothingSubmitted):
        hand_in(assignment, student)
    with pytest.raises(AnswerTooLong, match="500001"):
        hand_in(assignment, student, text="x" * 500_001)


def test_it_refuses_people_who_are_no_students_of_the_course(
    assignment: Assignment, teacher: User, outsider: User
) -> None:
    for person in (teacher, outsider):
        with pytest.raises(NotAStudent):
            hand_in(assignment, person, text="Let me in")
