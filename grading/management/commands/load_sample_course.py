"""Load the sample course with its accounts; does nothing where it is there already."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from courses.sample import Review, SampleCourse, sample_accounts, sample_course_create, sample_course_exists
from grading.services import grade_approve, grade_by_hand, grades_release


class Command(BaseCommand):
    help = "Load the sample course with its accounts, where it is not there yet."

    def handle(self, *args: Any, **options: Any) -> None:
        if sample_course_exists():
            self.stdout.write("The sample course is there already.")
        else:
            load(sample_password())
            self.stdout.write("The sample course was loaded.")
        self.stdout.write("Accounts: " + ", ".join(sample_accounts()))
        if not os.environ.get("SAMPLE_PASSWORD"):
            self.stdout.write(f"Their password is kept in {password_file()}")


def password_file() -> Path:
    return Path(settings.VAR_DIR) / "sample_password"


def sample_password() -> str:
    """The password of all sample accounts: given by SAMPLE_PASSWORD, or made once and kept for the owner to read."""
    given = os.environ.get("SAMPLE_PASSWORD", "")
    if given:
        return given
    file = password_file()
    if file.exists():
        return file.read_text(encoding="utf-8").strip()
    password = secrets.token_urlsafe(12)
    file.touch(mode=0o600, exist_ok=False)
    file.write_text(password + "\n", encoding="utf-8")
    return password


@transaction.atomic
def load(password: str) -> SampleCourse:
    """The course with what its teacher reviewed: some grades released, some approved, the rest waits to be marked."""
    sample = sample_course_create(password=password)
    for review in sample.reviews:
        _give(sample, review)
    for assignment in {review.submission.assignment for review in sample.reviews if review.release}:
        # Nobody reads mail at these addresses.
        grades_release(assignment=assignment, by=sample.teacher, tell=False)
    return sample


def _give(sample: SampleCourse, review: Review) -> None:
    grade = grade_by_hand(submission=review.submission, by=sample.teacher)
    scores = grade.criterion_scores.order_by("position")
    grade_approve(
        grade=grade,
        by=sample.teacher,
        edition=grade.edition,
        points=review.points,
        criterion_points={score.pk: points for score, points in zip(scores, review.criteria, strict=False)},
        feedback=review.feedback,
    )
