"""Marking without names, and papers of a sample without their proposals."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from courses.models import Assignment, Submission
from grading.models import AcceptanceSample, Grade
from grading.services.acceptance import papers_accept
from tests.grading.factories import make_grade, make_submission, make_user

PAGES = ("grading:review_list", "grading:papers", "grading:groups")


@pytest.fixture
def papers(assignment: Assignment) -> list[Submission]:
    names = [f"Zyx{place:02}" for place in range(12)]
    found = [make_submission(assignment, student=make_user(first_name="Qwe", last_name=name)) for name in names]
    for paper in found:
        make_grade(paper)
    Assignment.objects.update(blind_marking=True)
    return found


def test_no_page_of_the_desk_names_a_student(
    client: Client, papers: list[Submission], assignment: Assignment, teacher: User
) -> None:
    client.force_login(teacher)
    addresses = [reverse(name, args=[assignment.pk]) for name in PAGES]
    addresses.append(reverse("grading:review", args=[papers[0].pk]))
    for address in addresses:
        page = client.get(address).content.decode()
        assert "Zyx" not in page, address
        assert papers[0].student.email not in page, address
    assert f"Paper {papers[0].pk}" in client.get(addresses[0]).content.decode()


def test_the_order_tells_nothing_and_stays_the_same(
    client: Client, papers: list[Submission], assignment: Assignment, teacher: User
) -> None:
    client.force_login(teacher)
    address = reverse("grading:papers", args=[assignment.pk])
    first, second = (
        [row["name"] for row in client.get(address, {"order": order}).json()["papers"]]
        for order in ("student", "random")
    )
    assert first == second
    assert sorted(first) != first
    Assignment.objects.update(blind_marking=False)
    named = [row["name"] for row in client.get(address).json()["papers"]]
    assert named == sorted(named)


def checking(assignment: Assignment, teacher: User) -> list[Submission]:
    """The papers of a sample that waits to be marked."""
    decided = {"points": Decimal(2), "approved_by": teacher, "approved_at": timezone.now()}
    for _ in range(24):
        make_grade(make_submission(assignment), "approved", proposed_score=0.98, **decided)
    for _ in range(30):
        make_grade(make_submission(assignment), proposed_score=0.98, feedback="The secret proposal.")
    acceptance = papers_accept(assignment=assignment, by=teacher, tolerance=0.5, risk=0.1)
    rows = AcceptanceSample.objects.filter(acceptance=acceptance).select_related("grade__submission")
    return [row.grade.submission for row in rows]


def test_a_sampled_papers_proposal_is_not_shown_at_the_desk_before_it_is_marked(
    client: Client, assignment: Assignment, teacher: User
) -> None:
    sampled = checking(assignment, teacher)
    client.force_login(teacher)
    told = client.get(reverse("grading:review", args=[sampled[0].pk]), follow=True)
    assert told.redirect_chain[0][0].startswith("/grading/acceptances/")
    assert "The secret proposal." not in told.content.decode()
    rows = client.get(reverse("grading:review_list", args=[assignment.pk]), {"show": "to_review"}).content.decode()
    assert rows.count(">hidden<") == len(sampled)
    AcceptanceSample.objects.update(given=2)
    assert client.get(reverse("grading:review", args=[sampled[0].pk])).status_code == 200
    other = Grade.objects.filter(state="approved").first()
    assert other is not None
    assert client.get(reverse("grading:review", args=[other.submission_id])).status_code == 200
