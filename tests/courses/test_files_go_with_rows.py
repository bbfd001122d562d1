"""Originals leave the disk with their course, assignment or person, and not before the deletion is certain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import transaction

from courses.models import Assignment, Submission, SubmissionSource, UnmatchedFile
from courses.services import submission_create

FILE = ("a.txt", b"Water is lost.")


@pytest.fixture
def files(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / "originals"


def hand_in(assignment: Assignment, student: User) -> Submission:
    return submission_create(
        assignment=assignment, student=student, by=student, source=SubmissionSource.FILES, file=FILE
    )


def keep_unmatched(assignment: Assignment) -> None:
    row = UnmatchedFile(assignment=assignment, original_name="who.txt")
    row.original.save("who.txt", ContentFile(b"Somebody's answer"))


@pytest.mark.django_db(transaction=True)
def test_a_course_takes_its_files_along(assignment: Assignment, student: User, files: Path) -> None:
    hand_in(assignment, student)
    keep_unmatched(assignment)
    assert len(list(files.iterdir())) == 2
    assignment.course.delete()
    assert list(files.iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_a_person_takes_the_files_of_that_person_along(assignment: Assignment, student: User, files: Path) -> None:
    hand_in(assignment, student)
    keep_unmatched(assignment)
    student.delete()
    assert len(list(files.iterdir())) == 1


@pytest.mark.django_db(transaction=True)
def test_a_deletion_that_is_taken_back_keeps_the_files(assignment: Assignment, student: User, files: Path) -> None:
    row = hand_in(assignment, student)

    def delete_and_fail() -> None:
        with transaction.atomic():
            assignment.course.delete()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        delete_and_fail()
    row.refresh_from_db()
    with row.original.open("rb") as kept:
        assert kept.read() == b"Water is lost."
