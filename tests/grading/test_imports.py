from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.core import mail

from courses.models import Submission
from grading.models import Grade, GradeState, TrainingExample
from grading.services import marked_answers_import
from grading.services.mails import released_mails_send

LINES = [
    {
        "id": f"r{i}",
        "question_id": "net/1",
        "question": "What is a bridge?",
        "reference_answer": "It joins two segments.",
        "answer": f"It joins number {i}.",
        "score": 0.5 * i,
        "min_score": 0,
        "max_score": 2,
        "feedback": "Right." if i else None,
    }
    for i in range(4)
]
DATA = "\n".join(json.dumps(line) for line in LINES).encode()


@pytest.fixture
def imported(course, teacher):
    return marked_answers_import(course=course, by=teacher, name="past.jsonl", data=DATA, with_grades=True)


def test_past_marking_becomes_released_grades_that_can_be_trained_on(imported, teacher):
    grades = Grade.objects.order_by("pk")
    assert [grade.points for grade in grades] == [Decimal(0), Decimal("0.5"), Decimal(1), Decimal("1.5")]
    assert {(grade.state, grade.source, grade.approved_by) for grade in grades} == {
        (GradeState.RELEASED, "import", teacher)
    }
    assert TrainingExample.objects.usable().count() == 4
    assert grades.last().feedback.text == "Right."
    assert (imported.submissions, len(imported.assignments)) == (4, 1)


def test_nobody_is_told_of_imported_grades(imported):
    assert released_mails_send() == 0
    assert not mail.outbox


def test_importing_the_same_file_twice_changes_nothing(imported, course, teacher):
    marked_answers_import(course=course, by=teacher, name="past.jsonl", data=DATA, with_grades=True)
    assert (Grade.objects.count(), Submission.objects.count(), TrainingExample.objects.count()) == (4, 4, 4)


def test_without_grades_only_the_answers_come_in(course, teacher):
    marked_answers_import(course=course, by=teacher, name="past.jsonl", data=DATA, with_grades=False)
    assert Submission.objects.count() == 4
    assert not Grade.objects.exists()
