"""A person and a row of every kind, for tests that look at every address; made once for all tests of a file."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client, override_settings
from django.utils import timezone

from courses.models import Membership, UnmatchedFile
from grading.models import (
    Acceptance,
    AnswerGroup,
    RegradeRequest,
    ReleasePlan,
    ReviewAct,
    SavedComment,
    SecondMark,
    TrainingExample,
    TrainingRun,
    TrainingSet,
    Trial,
)
from gradingsite.signin.models import ApiToken
from tests.factories import AssignmentFactory, CourseFactory, MembershipFactory, UserFactory
from tests.grading.factories import make_grade, make_run, make_submission, make_version
from tests.lti import access as lti

A_ROW = {"id": "1", "question": "Why?", "answer": "Because.", "score": 1, "max_score": 2}


@pytest.fixture(scope="module")
def everybody(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, User], dict[str, int]]]:
    """Each test changes them in a transaction of its own inside this one; neither is kept."""
    files = tmp_path_factory.mktemp("media")
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=files), transaction.atomic():
        people = make_people()
        yield people, make_rows(people)
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def people(everybody: tuple[dict[str, User], dict[str, int]]) -> dict[str, User]:
    return everybody[0]


@pytest.fixture(scope="module")
def rows(everybody: tuple[dict[str, User], dict[str, int]]) -> dict[str, int]:
    return everybody[1]


@pytest.fixture(scope="module")
def sessions(people: dict[str, User]) -> dict[str, str]:
    """The key of a session of each of them."""
    keys = {}
    for role, user in people.items():
        client = Client()
        client.force_login(user, backend="gradingsite.accounts.EmailBackend")
        keys[role] = client.cookies[settings.SESSION_COOKIE_NAME].value
    return keys


def browser_with(session: str | None) -> Client:
    """A browser with that session's cookie and nothing else."""
    client = Client()
    if session is not None:
        client.cookies[settings.SESSION_COOKIE_NAME] = session
    return client


@pytest.fixture
def _uploads_go_away(everybody: Any) -> Path:
    """In place of the one for all tests: files of the rows stay as long as the rows."""
    return Path(settings.MEDIA_ROOT)


def make_people() -> dict[str, User]:
    """By what they are in one course; the outsider teaches another one."""
    course, other = CourseFactory(name="Physics"), CourseFactory(name="History")
    people = {"admin": UserFactory(is_staff=True), "without_a_course": UserFactory()}
    roles = {"teacher": "teacher", "assistant": "assistant", "student": "student", "other_student": "student"}
    for name, role in roles.items():
        people[name] = MembershipFactory(course=course, role=role).user
    people["outsider"] = MembershipFactory(course=other, role="teacher").user
    return people


def make_rows(people: dict[str, User]) -> dict[str, int]:
    """One row of each kind, none of which the outsider or the other student has any business with."""
    admin, student, other_student = people["admin"], people["student"], people["other_student"]
    course = student.memberships.get().course
    assignment = AssignmentFactory(course=course, title="The sky")
    submission = make_submission(assignment, student=student, original_name="essay.txt")
    submission.original.save("essay.txt", ContentFile(b"Because of Rayleigh scattering."))
    grade = make_grade(submission, state="released", points=1, approved_by=admin, approved_at=timezone.now())
    approved = make_grade(
        make_submission(assignment, student=UserFactory()), state="approved", points=1, approved_by=other_student
    )
    version = make_version()
    unmatched = UnmatchedFile(assignment=assignment, original_name="who.txt")
    unmatched.original.save("who.txt", ContentFile(b"An answer."))
    group = AnswerGroup.objects.create(assignment=assignment, kind="similar")
    act = ReviewAct.objects.create(assignment=assignment, actor=admin, kind="bulk_approved")
    acceptance = Acceptance.objects.create(
        assignment=assignment, act=act, tolerance=0.5, risk=0.1, bound=0.1, marks=22, wrong=0
    )
    training = TrainingRun.objects.create(request_key=uuid.uuid4(), requested_by=admin, config={"lora": {"rank": 4}})
    return {
        "course": course.pk,
        "person": student.pk,
        "assignment": assignment.pk,
        "submission": submission.pk,
        "grade": grade.pk,
        "membership": Membership.objects.get(course=course, user=other_student).pk,
        "unmatched": unmatched.pk,
        "run": make_run(assignment, [submission], version=version).pk,
        "version": version.pk,
        "training": training.pk,
        "trial": Trial.objects.create(version=version, question="Why?", answer="So.").pk,
        "example": TrainingExample.objects.create(
            source="uploaded", state="accepted", question_key="q", row=A_ROW, content_hash="0"
        ).pk,
        "training_set": TrainingSet.objects.create(name="Past exams").pk,
        "comment": SavedComment.objects.create(course=course, text="Say why.").pk,
        "group": group.pk,
        "acceptance": acceptance.pk,
        "approved_paper": approved.submission_id,
        "second_mark": SecondMark.objects.create(grade=grade, points=2).pk,
        "plan": ReleasePlan.objects.create(assignment=assignment, at=timezone.now() + timedelta(days=1), by=admin).pk,
        "token": ApiToken.objects.create(user=student, name="Script", hint="mgt_", digest="0").pk,
        **lti.rows(assignment, student),
        "regrade": RegradeRequest.objects.create(grade=grade, reason="Please look again.").pk,
    }
