"""Rows behind the pages that no evening of marking needs: what is looked at by admins, twice, or once in a year."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from courses.models import Assignment, Course, Criterion
from grading.examples import described
from grading.mapping import rubric_snapshot
from grading.models import (
    ModelVersion,
    Pilot,
    PilotPaper,
    PilotState,
    SavedComment,
    SecondMark,
    StudentGroup,
    TrainingExample,
    TrainingRun,
    TrainingSet,
    Trial,
    TrialState,
)
from gradingsite.lti.models import Context, Platform, PlatformPerson, ResourceLink, Score
from tests.grading.factories import make_assignment, make_grade, make_submission, make_user


def more_rows(course: Course, teacher: User, student: User) -> dict[str, Any]:
    """Their numbers by name."""
    rows = {
        "comment": SavedComment.objects.create(course=course, text="Name the law.").pk,
        "training_set": TrainingSet.objects.create(name="Past exams").pk,
        "training": _training().pk,
        "person": student.pk,
        "tried": _tried(course, teacher).pk,
        "example": _examples(course, teacher),
    }
    rows["walk"] = _to_walk(course).pk
    return rows | _twice(course, teacher) | _forgotten_password() | _platform(course, student)


def _examples(course: Course, teacher: User) -> int:
    """Two answers with the same words and other points, one that was left out, and a field of groups."""
    for place, answer in enumerate(("The gap opens the circuit.", "the circuit opens the gap", "No idea.")):
        row = {
            "id": f"example-{place}",
            "question": "Why does the bulb go out?",
            "reference_answer": "The gap opens the circuit.",
            "criteria": [{"title": "Gap", "description": "names it", "points": 2, "score": 2 - place}],
            "answer": answer,
            "score": 2 - place,
            "max_score": 2,
            "language": "en",
            "feedback": "Name the gap.",
        }
        TrainingExample.objects.create(
            source="released",
            state="excluded" if place == 2 else "accepted",
            exclusion_reason="says nothing" if place == 2 else "",
            course=course,
            marked_by=teacher,
            question_key="assignment-0",
            row=row,
            content_hash=str(place),
            correction=0.5 * place,
            **described(row),
        )
    StudentGroup.objects.create(field="First language", value="other", student=course.members.first())
    version = ModelVersion.objects.first()
    if version:
        Trial.objects.create(
            version=version,
            by=User.objects.get(email="admin@example.org"),
            question="Why?",
            answer="So.",
            state=TrialState.DONE,
            results={"tiny": {"score": 0.5, "points": 0.5, "feedback": "Say more.", "notes": []}},
        )
    return int(TrainingExample.objects.earliest("pk").pk)


def _training() -> TrainingRun:
    """One that is over: a queued one would begin."""
    admin = User.objects.get(email="admin@example.org")
    return TrainingRun.objects.create(
        request_key=uuid.uuid4(),
        requested_by=admin,
        config={"lora": {"rank": 4}},
        state="failed",
        error_code="training_failed",
    )


def _tried(course: Course, teacher: User) -> Assignment:
    """Two tries of a rubric that was changed in between."""
    assignment: Assignment = make_assignment(course, title="Tried", criteria=(2, 2))
    papers = [make_submission(assignment) for _ in range(3)]
    for points in (3, 2):
        pilot = Pilot.objects.create(
            assignment=assignment,
            by=teacher,
            version=ModelVersion.objects.promoted().first(),
            snapshot=rubric_snapshot(assignment),
            state=PilotState.DONE,
        )
        for paper in papers:
            PilotPaper.objects.create(
                pilot=pilot,
                submission=paper,
                points=Decimal(points),
                criteria=["1.00", str(points - 1)],
                feedback=f"Worth {points} points.",
            )
        Criterion.objects.filter(rubric__assignment=assignment).update(description="Names the open circuit.")
    return assignment


def _to_walk(course: Course) -> Assignment:
    """Four papers that are marked without a mouse."""
    assignment: Assignment = make_assignment(course, title="Without a mouse", criteria=(2, 2))
    for place in range(4):
        make_grade(make_submission(assignment, student=make_user(last_name=f"Walker{place}")))
    return assignment


def _twice(course: Course, teacher: User) -> dict[str, int]:
    """A paper that waits for its second mark, and one whose two marks lie apart."""
    assignment = make_assignment(course, title="Marked twice", second_share=100)
    other = make_user("second.marker")
    decided = {"points": Decimal(1), "approved_by": other, "approved_at": timezone.now()}
    waiting, apart = (make_grade(make_submission(assignment), "approved", **decided) for _ in range(2))
    second = SecondMark.objects.create(grade=apart, points=Decimal(4), by=teacher)
    return {"seconds": assignment.pk, "second_paper": waiting.submission_id, "second_mark": second.pk}


def _forgotten_password() -> dict[str, str]:
    person = make_user("forgetful")
    uid = urlsafe_base64_encode(force_bytes(person.pk))
    return {"uid": uid, "token": default_token_generator.make_token(person), "spent_token": "spent-token"}


def _platform(course: Course, student: User) -> dict[str, Any]:
    """A learning platform whose course is linked, with scores in three states."""
    address = "https://moodle.example.org"
    platform = Platform.objects.create(
        name="Moodle",
        issuer=address,
        client_id="AbC123",
        deployments=["1"],
        auth_login_url=f"{address}/mod/lti/auth.php",
        auth_token_url=f"{address}/mod/lti/token.php",
        key_set_url=f"{address}/mod/lti/certs.php",
        refused_host="gradebook.example.org",
    )
    context = Context.objects.create(
        platform=platform, deployment="1", key="7", title="Physics 7b", course=course, members_url=f"{address}/members"
    )
    assignment = Assignment.objects.filter(course=course, title="Released").get()
    link = ResourceLink.objects.create(
        context=context, key="3", title="Bulbs", assignment=assignment, line_item=f"{address}/column"
    )
    PlatformPerson.objects.create(platform=platform, sub="9", user=student)
    now = timezone.now()
    Score.objects.create(link=link, student=student, state="sent", next_at=now, sent_at=now, sent_points=Decimal(3))
    for state, trouble in (("failed", "refused"), ("waiting", "no_person")):
        person = make_user()
        Score.objects.create(link=link, student=person, state=state, next_at=now, trouble=trouble, status=404)
    return {"platform": platform.pk, "platform_course": context.pk, "platform_link": link.pk}
