"""After a deletion nothing of a student is in any column of any table or in any file. Every place is filled before."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from axes.models import AccessAttempt
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from courses.models import Assignment, CourseEvent, Membership, Submission, UnmatchedFile
from courses.services import member_add, submission_create
from courses.services.consent import consent_set
from grading import services
from grading.about_students import ENTRIES
from grading.models import (
    Acceptance,
    AcceptanceSample,
    ActedGrade,
    AnchoredComment,
    AnswerGroup,
    AnswerReading,
    Correction,
    Grade,
    GradeEvent,
    GroupedAnswer,
    Pilot,
    PilotPaper,
    Presence,
    ReviewAct,
    Rewrite,
    SavedComment,
    SecondMark,
    ShadowMark,
    StudentGroup,
    SubmissionFlag,
    TrainingExample,
    TrainingRun,
    TrainingRunExample,
    VersionEvent,
)
from grading.services.mentions import MARK
from grading.services.student_deletion import deletion_preview, student_delete
from grading.services.training import training_directory
from grading.services.training_sets import training_set_upload
from gradingsite.lti.models import Context, Platform, PlatformPerson, ResourceLink, Score
from gradingsite.signin.models import ApiToken
from tests.grading.factories import make_grade, make_run, make_submission, make_version

pytestmark = pytest.mark.django_db(transaction=True)
WORD = "zebrafish"
SECRETS = (WORD, "zebulon", "quistgaard")


@pytest.fixture
def student(assignment: Assignment, teacher: User, tmp_path: Path, settings: Any) -> User:
    """Somebody whose name and text stand in every place that the site has for them."""
    settings.MARGINALIA_TRAINING_DIR = tmp_path / "training"
    email = "zebulon.quistgaard@example.org"
    added = member_add(course=assignment.course, by=teacher, email=email, name="Zebulon Quistgård")
    User.objects.filter(pk=added.user_id).update(last_name="Quistgaard", is_active=True)
    user = User.objects.get(pk=added.user_id)
    consent_set(membership=added, given=True)
    return user


def dump() -> dict[str, str]:
    """Every row of every table as text."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            found[table] = repr(cursor.fetchall()).casefold()
    return found


def places(root: Path) -> set[str]:
    tables = {name for name, text in dump().items() if any(word in text for word in SECRETS)}
    files = [path for path in root.rglob("*") if path.is_file()]
    held = {path.name for path in files if any(word.encode() in path.read_bytes().lower() for word in SECRETS)}
    return tables | held


def hand_in(assignment: Assignment, student: User) -> Grade:
    """Handed in twice, marked, released, asked about, answered, and trained on."""
    for _twice in range(2):
        submission = submission_create(
            assignment=assignment, student=student, by=student, source="typed", text=f"The {WORD} {uuid.uuid4()}."
        )
    submission.original.save("essay.txt", ContentFile(f"A {WORD} file.".encode()))
    Submission.objects.filter(pk=submission.pk).update(original_name="Zebulon.txt")
    submission.refresh_from_db()
    teacher = User.objects.get(email="teacher@example.org")
    make_grade(submission, "approved", points=1, feedback=f"On {WORD}.", approved_by=teacher, internal_note=WORD)
    services.grades_release(assignment=assignment, by=teacher)
    grade = Grade.objects.get(submission=submission)
    asked = services.regrade_ask(grade=grade, by=student, reason=f"My {WORD}!")
    services.regrade_answer(asked=asked, by=teacher, answer=f"No {WORD}.")
    return grade


def around(grade: Grade, assignment: Assignment, student: User, teacher: User) -> None:
    ShadowMark.objects.create(version=make_version("candidate"), submission=grade.submission, score=0.5)
    StudentGroup.objects.create(field="First language", value="other", student=student)
    around_the_grade(grade, assignment, student, teacher)


def around_the_grade(grade: Grade, assignment: Assignment, student: User, teacher: User) -> None:
    """A row of every model that hangs on an answer or a grade."""
    submission = grade.submission
    grade.criterion_scores.create(title=WORD, max_points=1)
    AnchoredComment.objects.create(grade=grade, start=0, end=3, text=WORD)
    SecondMark.objects.create(grade=grade, points=1, note=WORD)
    Correction.objects.create(grade=grade, score=0.5, marks=1)
    Rewrite.objects.create(grade=grade, points=1, text=WORD)
    act = ReviewAct.objects.create(assignment=assignment, actor=teacher, kind="changed")
    ActedGrade.objects.create(act=act, grade=grade, before={"feedback": WORD}, edition=1)
    values = {"tolerance": 0.5, "risk": 0.1, "bound": 0.1, "marks": 22, "wrong": 0}
    acceptance = Acceptance.objects.create(assignment=assignment, act=act, **values)
    AcceptanceSample.objects.create(acceptance=acceptance, grade=grade, accepted=1, given=1)
    pilot = Pilot.objects.create(assignment=assignment, snapshot={}, by=teacher)
    PilotPaper.objects.create(pilot=pilot, submission=submission, feedback=WORD)
    make_run(assignment, [submission])
    AnswerReading.objects.create(
        submission=submission, version=make_version("candidate"), score=0.5, embedding=WORD.encode()
    )
    group = AnswerGroup.objects.create(assignment=assignment, kind="similar")
    GroupedAnswer.objects.create(group=group, submission=submission, place=0)
    SubmissionFlag.objects.create(submission=submission, by=teacher)
    Presence.objects.create(submission=submission, user=teacher, seen_at=timezone.now() + timedelta(days=1))


def train(grade: Grade, admin: User) -> None:
    example = TrainingExample.objects.get(grade=grade)
    run = TrainingRun.objects.create(
        request_key=uuid.uuid4(), state="succeeded", config={}, version=make_version("candidate")
    )
    TrainingRunExample.objects.create(run=run, example=example, content_hash=example.content_hash, split="train")
    row = {"id": "1", "question_id": "1", "question": "Why?", "answer": grade.submission.text, "score": 1}
    training_set_upload(by=admin, name="set", licence="", data=json.dumps(row).encode())
    path = training_directory(run) / "train.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(example.row) + "\n", encoding="utf-8")


def elsewhere(assignment: Assignment, student: User, admin: User) -> None:
    """Places that no key leads to."""
    other = make_grade(make_submission(assignment), points=Decimal(1), internal_note="Copied from Zebulon Quistgaard?")
    was = {"was": ["Quistgaard, Zebulon"]}
    GradeEvent.objects.create(grade=other, action="changed", note="like ZEBULON QUISTGAARD", before=was)
    version = make_version("candidate")
    VersionEvent.objects.create(version=version, action="x", after="y", note=f"asked by {student.email}")
    for text in ("Unlike Zebulon Quistgaard.", f"Unlike {MARK}."):
        SavedComment.objects.create(course=assignment.course, text=text)
    unmatched = UnmatchedFile(assignment=assignment, original_name="Quistgaard_Zebulon_v2.txt")
    unmatched.original.save("x.txt", ContentFile(WORD.encode()))
    AccessAttempt.objects.create(username=student.email.upper(), ip_address="127.0.0.1", failures_since_start=1)
    kind = ContentType.objects.get_for_model(User)
    about = {"content_type": kind, "object_id": str(student.pk), "object_repr": str(student)}
    LogEntry.objects.create(user=admin, action_flag=CHANGE, **about)
    Authenticator.objects.create(user=student, type="totp", data={"secret": WORD})
    ApiToken.objects.create(user=student, name=WORD, hint=WORD[:12], digest=WORD)
    platform = Platform.objects.create(name="Moodle", issuer="https://lms.example.org", client_id="tool")
    PlatformPerson.objects.create(platform=platform, sub=WORD, user=student)
    context = Context.objects.create(platform=platform, deployment="1", key="1", course=assignment.course)
    link = ResourceLink.objects.create(context=context, key="1", assignment=assignment)
    Score.objects.create(link=link, student=student, next_at=timezone.now(), trouble=WORD)
    SocialAccount.objects.create(user=student, provider="school", uid=WORD, extra_data={"name": "Zebulon"})
    Client().force_login(student, backend="gradingsite.accounts.EmailBackend")


def test_nothing_is_left_anywhere(
    student: User, assignment: Assignment, teacher: User, other_student: User, admin: User, tmp_path: Path
) -> None:
    grade = hand_in(assignment, student)
    around(grade, assignment, student, teacher)
    train(grade, admin)
    elsewhere(assignment, student, admin)
    empty = [entry.model.__name__ for entry in ENTRIES if not entry.rows(student).exists()]
    assert empty == []
    before = places(tmp_path)
    assert {"auth_user", "courses_submission", "grading_gradeevent", "grading_trainingexample"} <= before
    assert {"grading_savedcomment", "axes_accessattempt", "django_admin_log", "train.jsonl"} <= before
    preview = deletion_preview(student=student)
    assert (preview.files, preview.mentions, preview.examples) == (3 - 1, 5, 2)
    assert dict(preview.rows)["submissions"] == 2
    assert student_delete(student=student, by=admin) == preview
    assert places(tmp_path) == set()
    assert not Session.objects.exists()
    others = GradeEvent.objects.get(grade__submission__assignment=assignment, action="changed")
    assert (others.note, others.before) == (f"like {MARK}", {"was": [MARK]})
    assert SavedComment.objects.get().text == f"Unlike {MARK}."
    assert CourseEvent.objects.get(action="student_deleted").after == {"answers": 2}
    assert Membership.objects.filter(user=other_student).exists()


def test_a_namesake_in_another_course_is_left_alone(student: User, admin: User) -> None:
    other = make_grade(internal_note="Ask Zebulon Quistgaard.")
    assert deletion_preview(student=student).mentions == 0
    student_delete(student=student, by=admin)
    other.refresh_from_db()
    assert other.internal_note == "Ask Zebulon Quistgaard."
