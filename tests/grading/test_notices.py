"""What the checks beside the model found is said to the teacher in words."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from courses.models import Assignment
from grading.templatetags.grading_words import notices
from mlcore.schemas import MarkNote
from tests.grading.factories import make_grade, make_submission, make_user


@pytest.mark.django_db
def test_the_desk_says_what_is_odd_about_an_answer(client: Client, teacher: User, assignment: Assignment) -> None:
    grade = make_grade(make_submission(assignment, student=make_user("mia")))
    grade.notes = ["addresses_grader", "off_topic"]
    grade.save(update_fields=["notes"])
    client.force_login(teacher)
    page = client.get(reverse("grading:review", args=[grade.submission_id])).content.decode()
    assert "speaks to the marker" in page
    assert "hardly a word in common" in page


@pytest.mark.django_db
def test_every_note_has_words_or_its_own_place(assignment: Assignment) -> None:
    grade = make_grade(make_submission(assignment, student=make_user("mia")))
    for note in set(MarkNote) - {MarkNote.BLANK, MarkNote.CUT}:
        grade.notes = [note.value]
        assert len(notices(grade)) == 1, note
    grade.notes = ["blank", "cut", "something of an older version"]
    assert notices(grade) == []
