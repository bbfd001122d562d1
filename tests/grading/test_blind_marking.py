"""Marking without the names of students."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from courses.models import Assignment, Submission
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
