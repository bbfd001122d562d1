"""A paper that was drawn to check a promise shows its proposal nowhere before it is marked."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from grading.evidence import nearest_marked
from grading.models import AnswerGroup, Grade, GroupedAnswer
from grading.queue import Narrow, queue_proposal, review_neighbours, review_queue
from grading.selectors import next_to_review
from grading.services import acts, grades_as_csv
from grading.services.acceptance import papers_accept, sample_mark
from grading.services.groups import group_mark
from tests.grading.factories import make_grade, make_submission


@pytest.fixture
def made(assignment, teacher):
    """25 papers accepted unread and 5 drawn to be marked blind, all proposed 2.75 points."""
    assignment.step = "0.25"
    assignment.save()
    proposal = {"proposed_score": 0.98, "proposed_points": Decimal("2.75")}
    for _ in range(24):
        make_grade(make_submission(assignment), "approved", points=Decimal("2.75"), approved_by=teacher, **proposal)
    for _ in range(30):
        make_grade(make_submission(assignment), **proposal)
    return papers_accept(assignment=assignment, by=teacher, tolerance=0.5, risk=0.1, seed=1)


@pytest.fixture
def paper(made):
    return made.samples.first().grade.submission


def test_the_desk_sends_to_the_sample_and_says_why(client, made, paper, teacher):
    client.force_login(teacher)
    answer = client.get(reverse("grading:review", args=[paper.pk]), follow=True)
    assert answer.redirect_chain == [(reverse("grading:acceptance", args=[made.pk]), 302)]
    html = answer.content.decode()
    assert "drawn to check a promise" in html
    assert "2.75" not in html


def test_neither_a_save_nor_an_autosave_gets_past_it(client, made, paper, teacher):
    grade = made.samples.first().grade
    client.force_login(teacher)
    typed = {"edition": grade.edition, "points": "1", "feedback": "", "internal_note": "", "approve": "1"}
    assert client.post(reverse("grading:grade_save", args=[grade.pk]), typed).url.endswith(f"/acceptances/{made.pk}/")
    assert client.post(reverse("grading:grade_autosave", args=[grade.pk]), typed).status_code == 409
    grade.refresh_from_db()
    assert (grade.state, grade.points) == ("proposed", None)


def test_once_marked_or_undone_the_desk_opens_again(client, made, paper, teacher):
    other = made.samples.last().grade.submission
    client.force_login(teacher)
    sample_mark(sample=made.samples.first(), by=teacher, points=Decimal(2))
    assert client.get(reverse("grading:review", args=[paper.pk])).status_code == 200
    assert client.get(reverse("grading:review", args=[other.pk])).status_code == 302
    for _ in range(3):  # the approval, the points, the bulk
        acts.undo_last(assignment=made.assignment, by=teacher)
    assert client.get(reverse("grading:review", args=[other.pk])).status_code == 200


def test_lists_and_exports_leave_the_proposal_out(client, made, paper, teacher):
    rows = {row.pk: row for row in review_queue(made.assignment)}
    assert queue_proposal(rows[paper.pk]) is None
    assert sum(queue_proposal(row) is None for row in rows.values()) == 5
    client.force_login(teacher)
    html = client.get(reverse("grading:review_list", args=[made.assignment_id]), {"show": "to_review"}).content.decode()
    assert html.count("to be marked blind") == 5
    assert "2.75" not in html
    assert "2.75" not in client.get(reverse("courses:submission", args=[paper.pk])).content.decode()
    page = client.get(reverse("courses:assignment", args=[made.assignment_id])).content.decode()
    assert "proposed</span> 2.75" not in page
    lines = grades_as_csv(assignment=made.assignment).decode().splitlines()
    (line,) = [line for line in lines if paper.student.email in line]
    assert "2.75" not in line


def test_no_filter_tells_what_was_proposed(made, paper):
    found = review_queue(made.assignment, narrow=Narrow(points_from=2.5, points_to=3))
    assert not found.filter(pk=paper.pk).exists()
    assert found.count() == 49


def test_the_desk_passes_them_by(made, paper):
    sampled = set(made.samples.values_list("grade__submission", flat=True))
    assert next_to_review(review_queue(made.assignment, show="approved").first()) is None
    for row in review_queue(made.assignment):
        near = review_neighbours(row)
        assert not {near.previous, near.next} & sampled


def test_the_evidence_beside_another_paper_does_not_show_it(made, paper):
    same = make_submission(made.assignment, text=paper.text)
    assert paper.pk not in {near.grade.submission_id for near in nearest_marked(same, most=60)}


def test_marking_a_group_leaves_it_alone(made, paper, teacher):
    other = make_grade(make_submission(made.assignment))
    group = AnswerGroup.objects.create(assignment=made.assignment, kind="similar")
    for place, submission in enumerate((paper, other.submission)):
        GroupedAnswer.objects.create(group=group, submission=submission, place=place)
    assert group_mark(group=group, by=teacher, points=Decimal(1)) == 1
    assert Grade.objects.get(submission=paper).state == "proposed"
