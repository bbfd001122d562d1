"""Comments on words of an answer: made at the desk, read in place by the student once the grade is released."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from grading.models import AnchoredComment, Grade, GradeState
from grading.services import grade_approve, grade_regrade
from grading.templatetags.grading_anchors import anchored
from tests.grading.factories import make_assignment, make_grade, make_submission

TEXT = "Blau 🙂 scatters <most>.\nSo the sky is blue."


@pytest.fixture
def grade(course, student) -> Grade:
    return make_grade(make_submission(make_assignment(course, criteria=(2, 2)), TEXT, student=student))


@pytest.fixture
def desk(client: Client, teacher: User) -> Client:
    client.force_login(teacher)
    return client


def comment(desk: Client, grade: Grade, start: int, end: int, **fields: Any) -> Any:
    body = {"start": start, "end": end, "text": "**Why?**", **fields}
    return desk.post(reverse("grading:anchor", args=[grade.pk]), body, follow=True)


def test_a_comment_marks_its_words_and_names_its_criterion(desk, grade):
    score = grade.criterion_scores.last()
    page = comment(desk, grade, 7, 15, score=score.pk).content.decode()
    assert '<mark>scatters</mark><sup><a href="#anchor-1">1</a></sup> &lt;most&gt;' in page
    assert "<strong>Why?</strong>" in page
    assert AnchoredComment.objects.get().score == score


def test_words_that_are_not_there_are_refused(desk, grade):
    page = comment(desk, grade, 10, 4000).content.decode()
    assert "The answer does not have these words." in page
    assert not AnchoredComment.objects.exists()


def test_a_criterion_of_another_grade_is_refused(desk, grade, course):
    other = make_grade(make_submission(make_assignment(course, criteria=(2,))))
    comment(desk, grade, 0, 4, score=other.criterion_scores.get().pk)
    assert not AnchoredComment.objects.exists()


def test_a_comment_is_removed_while_the_grade_is_open_and_stays_when_it_is_decided(desk, grade, teacher):
    comment(desk, grade, 0, 4)
    key = {"comment": AnchoredComment.objects.get().pk}
    remove = reverse("grading:anchor_remove", args=[grade.pk])
    grade_approve(grade=grade, by=teacher, edition=1)
    desk.post(remove, key)
    assert AnchoredComment.objects.count() == 1
    Grade.objects.update(state=GradeState.PROPOSED)
    desk.post(remove, key)
    assert AnchoredComment.objects.count() == 0


def test_the_student_reads_it_in_place_after_the_release_and_not_before(desk, grade, student, teacher):
    comment(desk, grade, 7, 15)
    page = reverse("grading:my_grade", args=[grade.submission_id])
    client = Client()
    client.force_login(student)
    assert client.get(page).status_code == 404
    now = timezone.now()
    Grade.objects.update(state="released", points=2, approved_by=teacher, approved_at=now, released_at=now)
    html = client.get(page).content.decode()
    assert "<mark>scatters</mark>" in html
    assert "<strong>Why?</strong>" in html
    assert "anchor/remove" not in html


def test_a_regrade_begins_with_the_comments_of_the_old_grade(desk, grade, teacher):
    score = grade.criterion_scores.last()
    comment(desk, grade, 0, 4, score=score.pk)
    Grade.objects.update(state="released", points=2)
    copy = grade_regrade(grade=grade, by=teacher)
    row = copy.anchors.get()
    assert (row.text, row.score.grade, row.score.title) == ("**Why?**", copy, score.title)
    assert grade.anchors.count() == 1


@given(st.text(min_size=1, max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), max_size=4))
def test_whatever_is_commented_the_words_of_the_answer_stay_the_same(text, places):
    text = "".join(letter for letter in text if letter.isprintable())
    rows = [AnchoredComment(start=start, end=min(start + size, len(text))) for start, size in places]
    rows = sorted((row for row in rows if row.end > row.start), key=lambda row: (row.start, row.end))
    tree = lxml_html.fragment_fromstring(str(anchored(text, rows)), create_parent="div")
    for number in tree.findall(".//sup"):
        number.drop_tree()
    assert tree.text_content() == text
