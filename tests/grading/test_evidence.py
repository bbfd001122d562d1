from __future__ import annotations

from decimal import Decimal

from django.urls import reverse
from django.utils import timezone

from grading.evidence import nearest_marked, unlike_marks
from grading.models import AnswerReading
from mlcore.embedding import pack
from tests.grading.factories import make_grade, make_submission, make_version

OPENS = "The switch opens the circuit."


def marked(assignment, text, points, state="approved", **fields):
    return make_grade(make_submission(assignment, text=text), state, points=Decimal(points), **fields)


def test_the_nearest_marked_answers_come_first_and_unlike_ones_not_at_all(assignment):
    near = marked(assignment, "The switch opens a circuit", 3)
    nearer = marked(assignment, "the switch opens the circuit", 4)
    marked(assignment, "Pizza with cheese", 0)
    make_grade(make_submission(assignment, text=OPENS))  # not marked yet
    found = nearest_marked(make_submission(assignment, text=OPENS))
    assert [row.grade for row in found] == [nearer, near]
    assert found[0].percent == 100


def test_embeddings_of_one_version_have_a_say(assignment):
    version = make_version()
    ask = make_submission(assignment, text="no flow")
    one, two = marked(assignment, "no lamp", 1), marked(assignment, "electrons halt", 3)
    for submission, vector in ((ask, [1, 0, 0]), (two.submission, [1, 0.1, 0]), (one.submission, [-1, 0, 1])):
        AnswerReading.objects.create(submission=submission, version=version, score=0.5, embedding=pack(vector))
    assert nearest_marked(ask)[0].grade == two


def test_pairs_with_different_points_are_listed_while_one_is_to_be_released(assignment):
    first, second = marked(assignment, OPENS, 4), marked(assignment, OPENS + "!", 2, state="released")
    marked(assignment, OPENS.upper(), 4)
    pairs = unlike_marks(assignment)
    assert {frozenset((pair.first.pk, pair.second.pk)) for pair in pairs} >= {frozenset((first.pk, second.pk))}
    assert all(pair.first.points != pair.second.points for pair in pairs)
    assignment.submissions.filter(grades__state="approved").update(state="superseded")
    assert unlike_marks(assignment) == []


def test_blank_answers_are_no_pairs(assignment):
    make_grade(make_submission(assignment), "approved", points=Decimal(1)).submission.__class__.objects.update(text="")
    make_grade(make_submission(assignment), "approved", points=Decimal(2)).submission.__class__.objects.update(text="")
    assert unlike_marks(assignment) == []


def test_the_desk_and_the_release_page_fetch_them(client, assignment, teacher):
    grade = marked(assignment, OPENS, 4, approved_by=teacher, approved_at=timezone.now())
    marked(assignment, OPENS, 1, approved_by=teacher, approved_at=timezone.now())
    asked = make_grade(make_submission(assignment, text=OPENS)).submission
    client.force_login(teacher)
    near, pairs = reverse("grading:nearest", args=[asked.pk]), reverse("grading:consistency", args=[assignment.pk])
    assert near in client.get(reverse("grading:review", args=[asked.pk])).content.decode()
    assert pairs in client.get(reverse("grading:release", args=[assignment.pk])).content.decode()
    assert reverse("grading:review", args=[grade.submission_id]) in client.get(near).content.decode()
    assert "1 pair of nearly equal answers" in client.get(pairs).content.decode()
