"""A course's answers and grades for research: of those who agreed, under keyed pseudonyms, without names in the texts.

The pseudonyms are made with the site's secret key, which is in no export: with it the school could tell who is who,
and nobody else can. They are the same in every export of a course and different in every other course. Times are left
out, and rows stand in the order of the pseudonyms, because the order in which people came tells who they are.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from courses.errors import UserError
from courses.models import Assignment, Course, Role, Submission
from courses.services.history import data_event
from grading.models import Grade
from grading.scrubbing import Person, Scrubber
from grading.services.exports import defused

COLUMNS = ("student", "assignment", "points", "max_points", "proposed_points", "model", "marker", "late", "blank")
TEXTS = ("answer", "feedback", "proposed_feedback")
README = """Answers and grades of one course, for research.

{students} students agreed to it; there are {answers} answers with released grades of theirs.

answers.jsonl    one answer a line: points per criterion, what the model proposed, feedback
answers.csv      the same without the criteria, for a spreadsheet
assignments.jsonl  questions, reference answers and rubrics

"student" and "marker" are pseudonyms made with a key that is not in this archive. Names, e-mail addresses, user names
and numbers of the course's people, links, telephone numbers and streets were taken out of all texts and replaced by
[name], [e-mail], [number], [link], [phone], [address]. A program did that, and what people write about themselves in
other words is still there: treat the texts as personal data, and do not try to find out who wrote them.
"""


class NobodyAgreed(UserError):
    code = "nobody_agreed"
    words = _("Nobody whose grade is released has agreed to research yet: there is nothing to export.")


def consenting(course: Course) -> QuerySet[Grade]:
    """The released grades of students of the course who agreed, and belong to it still."""
    agreed = course.memberships.filter(role=Role.STUDENT, research_consent=True).values("user")
    return Grade.objects.released().filter(submission__assignment__course=course, submission__student__in=agreed)


def research_export(*, course: Course, by: User) -> bytes:
    """The zip; that it was made is written into the course's history.

    Raises:
        NobodyAgreed
    """
    with transaction.atomic():
        rows = _rows(course)
        if not rows:
            raise NobodyAgreed
        numbers = {"students": len({row["student"] for row in rows}), "answers": len(rows)}
        data = _zip(rows, _assignments(course), README.format(**numbers))
        data_event(course=course, by=by, action="research_export", after=numbers)
    return data


def pseudonym(course: Course, kind: str, user_id: int) -> str:
    message = f"research:{course.pk}:{kind}:{user_id}".encode()
    return f"{kind}-{hmac.new(settings.SECRET_KEY.encode(), message, hashlib.sha256).hexdigest()[:12]}"


def scrubber_for(course: Course) -> Scrubber:
    """Knows everybody who belongs to the course or handed something in."""
    submissions = Submission.objects.filter(assignment__course=course)
    people = User.objects.filter(Q(memberships__course=course) | Q(pk__in=submissions.values("student"))).distinct()
    ids: dict[int, list[str]] = {}
    for student, external in submissions.exclude(external_id="").values_list("student", "external_id"):
        ids.setdefault(student, []).append(external)
    return Scrubber(
        Person(user.first_name, user.last_name, user.email, user.username, tuple(ids.get(user.pk, ())))
        for user in people
        if not user.username.endswith("@invalid")  # stand-ins for nobody
    )


def _rows(course: Course) -> list[dict[str, Any]]:
    scrub = scrubber_for(course)
    grades = consenting(course).select_related("submission__assignment", "feedback", "version")
    places = {pk: place for place, pk in enumerate(_assignment_ids(course), 1)}
    rows = [_row(course, grade, places, scrub) for grade in grades.prefetch_related("criterion_scores")]
    return sorted(rows, key=lambda row: (row["student"], row["assignment"]))


def _row(course: Course, grade: Grade, places: dict[int, int], scrub: Scrubber) -> dict[str, Any]:
    submission = grade.submission
    return {
        "student": pseudonym(course, "student", submission.student_id),
        "assignment": places[submission.assignment_id],
        "points": _number(grade.points),
        "max_points": _number(grade.max_points),
        "proposed_points": _number(grade.proposed_points),
        "model": grade.version.name if grade.version else "",
        "marker": pseudonym(course, "marker", grade.approved_by_id) if grade.approved_by_id else "",
        "late": submission.is_late,
        "blank": submission.is_blank,
        "answer": scrub(submission.text),
        "feedback": scrub(grade.feedback.text),
        "proposed_feedback": scrub(grade.feedback.proposed_text),
        "criteria": [
            {
                "title": scrub(score.title),
                "points": _number(score.points),
                "proposed_points": _number(score.proposed_points),
                "max_points": _number(score.max_points),
            }
            for score in grade.criterion_scores.all()
        ],
    }


def _assignment_ids(course: Course) -> list[int]:
    return list(course.assignments.order_by("pk").values_list("pk", flat=True))


def _assignments(course: Course) -> list[dict[str, Any]]:
    scrub = scrubber_for(course)
    rows = Assignment.objects.filter(course=course).order_by("pk").prefetch_related("rubric__criteria")
    return [
        {
            "assignment": place,
            "question": scrub(row.question),
            "reference_answer": scrub(row.reference_answer),
            "max_points": _number(row.max_points),
            "step": float(row.step),
            "language": row.language,
            "criteria": [
                {"title": scrub(x.title), "description": scrub(x.description), "points": _number(x.points)}
                for x in (row.rubric.criteria.all() if hasattr(row, "rubric") else ())
            ],
        }
        for place, row in enumerate(rows, 1)
    ]


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _zip(rows: Sequence[dict[str, Any]], assignments: Sequence[dict[str, Any]], readme: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", readme)
        archive.writestr("answers.jsonl", _lines(rows))
        archive.writestr("answers.csv", _csv(rows))
        archive.writestr("assignments.jsonl", _lines(assignments))
    return out.getvalue()


def _lines(rows: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*COLUMNS, *TEXTS])
    for row in rows:
        writer.writerow([*(row[name] for name in COLUMNS), *(defused(row[name]) for name in TEXTS)])
    return out.getvalue().encode("utf-8-sig")
