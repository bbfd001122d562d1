"""The sample course: what a new site shows before anybody has typed a word. Its texts were written for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from courses.models import Assignment, Course, Role, Submission, SubmissionSource
from courses.services import (
    CriterionData,
    LevelData,
    assignment_create,
    course_create,
    member_add,
    rubric_save,
    submission_create,
)
from courses.services.people import account_for

CONTENT = Path(__file__).parent


@dataclass(frozen=True)
class Review:
    """What the sample teacher thinks of one answer. `criteria` are in the order of the rubric."""

    submission: Submission
    points: Decimal
    criteria: list[Decimal]
    feedback: str
    release: bool


@dataclass
class SampleCourse:
    course: Course
    teacher: User
    reviews: list[Review] = field(default_factory=list)


def sample_accounts() -> list[str]:
    """The addresses that the sample course's people log in with."""
    content = _read("course.json")
    return [person["email"] for person in (content["admin"], content["teacher"], *content["students"])]


def sample_course_exists() -> bool:
    content = _read("course.json")
    return Course.objects.filter(name=content["name"], term=content["term"]).exists()


@transaction.atomic
def sample_course_create(*, password: str) -> SampleCourse:
    """Accounts, course, assignments and answers. An account that exists keeps its own password and rights."""
    content = _read("course.json")
    # One hash for all of them: they share the password anyway, and a good hash takes its time.
    hashed = make_password(password)
    _account(content["admin"], hashed, is_staff=True, is_superuser=True)
    teacher = _account(content["teacher"], hashed)
    course = course_create(by=teacher, name=content["name"], term=content["term"], language=content["language"])
    students = {}
    for number, person in enumerate(content["students"], 1):
        students[number] = _account(person, hashed)
        member_add(course=course, by=teacher, email=person["email"], role=Role.STUDENT)
    sample = SampleCourse(course, teacher)
    for name in content["assignments"]:
        _add_assignment(sample, _read(name), students)
    return sample


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((CONTENT / name).read_text(encoding="utf-8"))
    return content


def _account(person: Mapping[str, str], hashed: str, **rights: bool) -> User:
    user, created = account_for(email=person["email"], name=person["name"])
    if created:
        User.objects.filter(pk=user.pk).update(password=hashed, **rights)
        user.refresh_from_db()
    return user


def _add_assignment(sample: SampleCourse, content: Mapping[str, Any], students: Mapping[int, User]) -> None:
    assignment = assignment_create(
        course=sample.course,
        by=sample.teacher,
        title=content["title"],
        question=content["question"],
        reference_answer=content["reference_answer"],
        max_points=Decimal(content["max_points"]),
        step=content["step"],
        language=content["language"],
        marking_instructions=content["marking_instructions"],
        due_at=timezone.now() + timedelta(days=7),
    )
    if content["criteria"]:
        criteria = [_criterion(criterion) for criterion in content["criteria"]]
        rubric_save(assignment=assignment, by=sample.teacher, criteria=criteria)
    for answer in content["answers"]:
        _add_answer(sample, assignment, answer, students[answer["student"]])


def _add_answer(sample: SampleCourse, assignment: Assignment, answer: Mapping[str, Any], student: User) -> None:
    submission = submission_create(
        assignment=assignment, student=student, by=student, source=SubmissionSource.TYPED, text=answer["text"]
    )
    if "points" in answer:
        sample.reviews.append(
            Review(
                submission=submission,
                points=Decimal(answer["points"]),
                criteria=[Decimal(points) for points in answer.get("criteria", [])],
                feedback=answer["feedback"],
                release=answer.get("release", False),
            )
        )


def _criterion(content: Mapping[str, Any]) -> CriterionData:
    levels = [LevelData(Decimal(points), description) for points, description in content["levels"]]
    return CriterionData(content["title"], content["description"], Decimal(content["points"]), levels)
