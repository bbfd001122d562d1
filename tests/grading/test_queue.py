"""Orders, filters and places of the review queue."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from grading.models import AnswerGroup, Correction, GroupedAnswer, ReviewAct, SubmissionFlag
from grading.pace import pace
from grading.queue import ORDERS, Narrow, next_to_review, queue_page, review_neighbours, review_queue
from tests.grading.factories import make_assignment, make_grade, make_submission


@pytest.fixture
def paper(db):
    assignment = make_assignment()

    def make(score=0.5, width=None, **fields):
        grade = make_grade(make_submission(assignment), proposed_score=score, **fields)
        if width is not None:
            Correction.objects.create(
                grade=grade, score=score, marks=9, low=Decimal(0), high=Decimal(str(width)), made_at=timezone.now()
            )
        return grade.submission

    make.assignment = assignment
    return make


def keys(assignment, **queue):
    return list(review_queue(assignment, **queue).values_list("pk", flat=True))


@pytest.mark.parametrize("order", ORDERS)
def test_walking_from_paper_to_paper_gives_the_list_in_every_order(paper, order):
    for score, points in ((0.1, None), (0.9, 1), (0.5, 1), (0.5, None), (0.3, 3)):
        paper(score, points=points and Decimal(points), state="approved" if points == 3 else "proposed")
    make_submission(paper.assignment)
    wanted = keys(paper.assignment, order=order)
    submission = paper.assignment.submissions.get(pk=wanted[0])
    walked, positions = [submission.pk], []
    while (place := review_neighbours(submission, order=order)).next is not None:
        positions.append(place.position)
        submission = paper.assignment.submissions.get(pk=place.next)
        assert review_neighbours(submission, order=order).previous == walked[-1]
        walked.append(submission.pk)
    assert walked == wanted
    assert positions == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("order", ORDERS)
def test_pages_forward_and_backward_give_every_row_once(paper, order):
    for number in range(7):
        paper(number / 7, width=number % 3)
    wanted, seen = keys(paper.assignment, order=order), []
    queue = {"show": "all", "order": order, "narrow": Narrow(), "size": 3}
    page = queue_page(paper.assignment, **queue)
    assert page.previous is None
    seen += [row.pk for row in page]
    while page.next is not None:
        page = queue_page(paper.assignment, after=page.next, **queue)
        seen += [row.pk for row in page]
    assert seen == wanted
    back = queue_page(paper.assignment, before=page.previous, **queue)
    assert [row.pk for row in back] == wanted[3:6]


def test_the_widest_interval_comes_first_and_then_the_score_nearest_to_the_middle(paper):
    sure, near, wide, unknown = paper(0.9, 1), paper(0.5, 1), paper(0.9, 3), paper(0.9)
    done = paper(0.5, 4, state="approved", points=Decimal(1))
    assert keys(paper.assignment, order="uncertain") == [row.pk for row in (unknown, wide, near, sure, done)]


def test_the_most_informative_are_typical_of_large_groups_and_one_of_each_comes_before_a_second(paper):
    small, large = (AnswerGroup.objects.create(assignment=paper.assignment, kind="similar") for _ in range(2))
    papers = [paper() for _ in range(5)]
    for submission, group, place in zip(papers, (small, small, large, large, large), (0, 1, 0, 1, 2), strict=True):
        GroupedAnswer.objects.create(group=group, submission=submission, place=place)
    one, two, three, four, five = (row.pk for row in papers)
    assert keys(paper.assignment, order="informative") == [three, one, four, two, five]
    assert keys(paper.assignment, order="similar") == [one, two, three, four, five]


def test_the_random_order_is_a_teachers_own_and_stays(paper):
    for _ in range(12):
        paper()
    first = keys(paper.assignment, order="random", narrow=Narrow(seed="1-1"))
    assert first == keys(paper.assignment, order="random", narrow=Narrow(seed="1-1"))
    assert first != keys(paper.assignment, order="random", narrow=Narrow(seed="2-1"))
    assert sorted(first) == keys(paper.assignment, order="submitted")


def test_filters_narrow_the_queue(paper, teacher):
    late = paper(points=Decimal("1.5"), width=3)
    approved = paper(points=Decimal(2), state="approved", approved_by=teacher, width=1)
    plain = paper()
    paper.assignment.due_at = timezone.now()
    paper.assignment.save()
    paper.assignment.submissions.exclude(pk=late.pk).update(submitted_at=timezone.now() - timedelta(days=1))
    paper.assignment.submissions.filter(pk=late.pk).update(submitted_at=timezone.now() + timedelta(days=1))
    SubmissionFlag.objects.create(submission=plain, by=teacher)

    def narrowed(**fields):
        return keys(paper.assignment, order="submitted", narrow=Narrow(**fields))

    assert narrowed(late=True) == [late.pk]
    assert narrowed(flagged=True) == [plain.pk]
    assert narrowed(marker=teacher.pk) == [approved.pk]
    assert narrowed(width=2) == [late.pk]
    assert narrowed(differs=0.5) == [late.pk]
    assert set(narrowed(points_from=2)) == {approved.pk, plain.pk}
    assert narrowed(points_to=1.5) == [late.pk]


@pytest.mark.parametrize("order", ["uncertain", "informative", "waiting"])
def test_after_a_decision_the_queue_goes_on_and_does_not_start_again(paper, order):
    skipped, decided, following = paper(0.5, 3), paper(0.5, 2), paper(0.5, 1)
    decided.grades.update(state="approved", points=Decimal(2))
    assert next_to_review(decided, order=order) == following.pk
    following.grades.update(state="approved", points=Decimal(2))
    assert next_to_review(following, order=order) == skipped.pk
    skipped.grades.update(state="approved", points=Decimal(2))
    assert next_to_review(skipped, order=order) is None


def test_a_place_among_hundreds_costs_no_more_queries_than_among_few(paper):
    def count():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            review_neighbours(middle, order="uncertain")
            next_to_review(middle, order="uncertain")
            queue_page(paper.assignment, show="all", order="uncertain", narrow=Narrow(), after=middle.pk)
        return len(queries)

    middle = paper(0.4, 2)
    paper()
    few = count()
    for _ in range(120):
        paper()
    assert count() == few < 20


def test_time_for_one_and_time_left_come_from_the_teachers_own_approvals(paper, teacher):
    start = timezone.now() - timedelta(hours=2)
    for seconds in (0, 60, 100, 160, 6000):
        act = ReviewAct.objects.create(assignment=paper.assignment, actor=teacher, kind="approved")
        ReviewAct.objects.filter(pk=act.pk).update(at=start + timedelta(seconds=seconds))
    found = pace(paper.assignment, teacher, waiting=10)
    assert (found.each, found.left, found.spent) == (60, 600, 160), "a long break is not a paper"


def test_the_list_keeps_its_filters_in_every_link(client, assignment, teacher):
    submission = make_grade(make_submission(assignment), points=Decimal(3)).submission
    client.force_login(teacher)
    address = reverse("grading:review_list", args=[assignment.pk])
    html = client.get(address, {"points_from": "2.5", "order": "random", "late": ""}).content.decode()
    assert f"{reverse('grading:review', args=[submission.pk])}?show=all&amp;order=random&amp;points_from=2.5" in html
    assert "Nothing here" in client.get(address, {"points_from": "3.5"}).content.decode()
    assert client.get(address, {"points_from": "x", "marker": "999", "after": "y"}).status_code == 200
