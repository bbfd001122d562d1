"""The figures of an assignment: what they say, what they leave out, and that they stay cheap."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from courses.models import Assignment
from grading.charts import distribution, scatter
from grading.dashboard import dashboard
from grading.models import ActedGrade, ActKind, Grade, ReviewAct
from tests.grading.factories import make_assignment, make_grade, make_submission

pytestmark = pytest.mark.django_db


def decide(assignment: Assignment, proposed: str, given: str, *, state: str = "approved", **fields: object) -> Grade:
    row = make_submission(assignment)
    return make_grade(row, state, proposed_points=Decimal(proposed), points=Decimal(given), **fields)


def act(grade: Grade, by: User, kind: str, seconds: int = 0) -> None:
    made = ReviewAct.objects.create(assignment=grade.submission.assignment, actor=by, kind=kind)
    ReviewAct.objects.filter(pk=made.pk).update(at=timezone.now() + timedelta(seconds=seconds))
    ActedGrade.objects.create(act=made, grade=grade, before={}, edition=grade.edition)


def page(client: Client, assignment: Assignment) -> str:
    return client.get(reverse("grading:dashboard", args=[assignment.pk])).content.decode()


def test_agreement_and_changes_are_those_of_the_pairs(assignment: Assignment) -> None:
    for proposed, given in (("2", "2"), ("2", "3"), ("4", "3"), ("0", "0"), ("1", "3")):
        decide(assignment, proposed, given)
    found = dashboard(assignment)
    assert found.agreement is not None
    assert found.agreement.same == 2
    assert found.agreement.mae_percent == pytest.approx(20)
    assert found.agreement.bias_percent == pytest.approx(-10)
    # Bands of half a point: mean squared difference 4.8, by chance 5.44 + 7.04 + 0.64.
    assert found.agreement.qwk == pytest.approx(1 - 4.8 / 13.12)
    assert (found.changes.raised, found.changes.lowered) == (2, 1)
    assert found.changes.mean == pytest.approx(4 / 3)


def test_too_few_pairs_have_no_agreement(assignment: Assignment) -> None:
    for _ in range(4):
        decide(assignment, "2", "2")
    assert dashboard(assignment).agreement is None


def test_papers_approved_many_at_once_are_not_compared_until_somebody_edits_one(
    assignment: Assignment, teacher: User
) -> None:
    read, unread = decide(assignment, "2", "2"), decide(assignment, "2", "2")
    for grade in (read, unread):
        act(grade, teacher, ActKind.BULK_APPROVED)
    Grade.objects.filter(pk=read.pk).update(edition=read.edition + 1)
    found = dashboard(assignment)
    assert [row.pk for row in found.pairs] == [read.pk]
    assert found.at_once == 1


def test_proposals_made_without_the_model_and_open_ones_are_not_compared(assignment: Assignment) -> None:
    decide(assignment, "0", "0", source="rule")
    make_grade(make_submission(assignment), points=Decimal(4))
    found = dashboard(assignment)
    assert not found.pairs
    assert len(found.grades) == 1


def test_a_regrade_counts_once_by_the_newer_points(assignment: Assignment) -> None:
    old = decide(assignment, "2", "2", state="released")
    make_grade(old.submission, "approved", points=Decimal(4))
    assert dashboard(assignment).mean == 4


def test_a_criterion_of_which_little_is_reached_is_difficult() -> None:
    assignment = make_assignment(criteria=(2, 2))
    for _ in range(5):
        grade = decide(assignment, "2", "2")
        grade.criterion_scores.filter(position=0).update(points=Decimal("0.5"))
        grade.criterion_scores.filter(position=1).update(points=Decimal("1.5"))
    shares = [(row.title, row.share, row.difficult) for row in dashboard(assignment).criteria]
    assert shares == [("Criterion 1", 0.25, True), ("Criterion 2", 0.75, False)]


def test_time_is_each_persons_own_and_leaves_breaks_out(assignment: Assignment, teacher: User, assistant: User) -> None:
    for seconds in (0, 30, 70, 120, 120 + 3600):
        act(decide(assignment, "2", "2"), teacher, ActKind.APPROVED, seconds)
    act(decide(assignment, "2", "2"), assistant, ActKind.APPROVED, 60)
    spent = dashboard(assignment).spent
    assert (spent.timed, round(spent.total)) == (3, 120)
    assert spent.proposed == pytest.approx(40, abs=1)
    assert spent.by_hand is None


def test_two_people_are_compared_where_both_decided_the_same_answer(
    assignment: Assignment, teacher: User, assistant: User
) -> None:
    for _ in range(5):
        old = decide(assignment, "2", "4", state="superseded", approved_by=teacher)
        make_grade(old.submission, "released", points=Decimal(3), approved_by=assistant)
    same = decide(assignment, "2", "4", state="superseded", approved_by=teacher)
    make_grade(same.submission, "released", points=Decimal(1), approved_by=teacher)
    found = dashboard(assignment)
    assert found.twice == 5
    assert found.two_people is not None
    assert found.two_people.bias_percent == pytest.approx(25)


def test_every_dot_has_a_place_of_its_own(assignment: Assignment) -> None:
    for _ in range(8):
        decide(assignment, "2", "2")
    dots = scatter(dashboard(assignment).pairs, 4).dots
    assert len({(dot.x, dot.y) for dot in dots}) == 8


def test_of_very_many_papers_those_that_differ_most_are_shown(
    client: Client, teacher: User, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grading.charts.MOST_DOTS", 3)
    for given in ("2", "2", "4", "3.5", "0"):
        decide(assignment, "2", given)
    assert {dot.given for dot in scatter(dashboard(assignment).pairs, 4).dots} == {"4", "3.5", "0"}
    client.force_login(teacher)
    assert "Shown are the 3 of 5 papers" in page(client, assignment)


def test_no_answer_is_lost_from_the_bars() -> None:
    values = [0, 0.5, 4, 4, 2.25]
    assert sum(bar.count for bar in distribution(values, 4, 0.5).bars) == len(values)
    assert len(distribution(values, 100, 0.5).bars) == 11


def test_an_empty_assignment_says_that_there_is_nothing_yet(
    client: Client, teacher: User, assignment: Assignment
) -> None:
    client.force_login(teacher)
    text = page(client, assignment)
    assert "No answer is decided yet." in text
    assert "<circle" not in text


def test_every_dot_links_to_its_paper_and_the_table_says_the_same(
    client: Client, teacher: User, assignment: Assignment
) -> None:
    grades = [decide(assignment, "2", "3") for _ in range(5)]
    client.force_login(teacher)
    text = page(client, assignment)
    for grade in grades:
        assert text.count(reverse("grading:review", args=[grade.submission_id])) == 2
    assert "5 of 5 proposals were changed: 5 raised, 0 lowered." in text
    assert "style=" not in text


def test_the_number_of_queries_does_not_grow_with_the_papers(
    client: Client, teacher: User, assignment: Assignment
) -> None:
    client.force_login(teacher)
    numbers = []
    for more in (6, 30):
        for _ in range(more):
            act(decide(assignment, "2", "3", approved_by=teacher), teacher, ActKind.APPROVED)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page(client, assignment)
        numbers.append(len(queries))
    assert numbers[0] == numbers[1]


def test_what_waits_on_the_home_page_leads_to_where_it_is_done(
    client: Client, teacher: User, assignment: Assignment
) -> None:
    make_submission(assignment)
    decide(assignment, "2", "2")
    make_submission(assignment, state="unreadable", unreadable_reason="encrypted")
    client.force_login(teacher)
    text = client.get(reverse("courses:home")).content.decode()
    papers = reverse("grading:review_list", args=[assignment.pk])
    assert f"{papers}?show=ungraded" in text
    assert f"{papers}?show=unreadable" in text
    assert reverse("grading:release", args=[assignment.pk]) in text
