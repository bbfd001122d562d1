from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from courses.models import Assignment
from tests.grading.factories import make_grade, make_run, make_submission, make_user


def person(name: str) -> User:
    return make_user(name, first_name="P", last_name=name.capitalize())


@pytest.fixture
def papers(assignment: Assignment) -> Assignment:
    make_grade(make_submission(assignment, student=person("approved")), "approved", points=Decimal(2))
    make_grade(make_submission(assignment, student=person("released")), "released", points=Decimal(2))
    make_grade(make_submission(assignment, student=person("changed")), points=Decimal(4))
    make_grade(make_submission(assignment, student=person("blank")), source="rule", proposed_points=Decimal(0))
    make_grade(make_submission(assignment, student=person("cut")), unread_characters=500, proposed_points=Decimal(3))
    make_submission(assignment, student=person("unreadable"), state="unreadable", unreadable_reason="encrypted")
    make_submission(assignment, student=person("bare"))
    failed = make_submission(assignment, student=person("failed"))
    make_run(assignment, [failed]).jobs.update(state="failed", error_code="batch_failed")
    return assignment


def names(client: Client, assignment: Assignment, **query: str) -> list[str]:
    response = client.get(reverse("grading:review_list", args=[assignment.pk]), query)
    return [row.student.last_name for row in response.context["page"]]


@pytest.mark.parametrize(
    ("show", "wanted"),
    [
        ("to_review", ["Blank", "Changed", "Cut"]),
        ("approved", ["Approved"]),
        ("released", ["Released"]),
        ("ungraded", ["Bare", "Failed"]),
        ("failed", ["Failed"]),
        ("unreadable", ["Unreadable"]),
        ("changed", ["Changed"]),
        ("blank", ["Blank"]),
        ("cut", ["Cut"]),
    ],
)
def test_a_filter_shows_what_it_says(client, teacher, papers, show, wanted):
    client.force_login(teacher)
    assert names(client, papers, show=show) == wanted


def test_nonsense_in_the_address_shows_all_by_student(client, teacher, papers):
    client.force_login(teacher)
    assert names(client, papers, show="'; --", order="x", page="99")[:3] == ["Approved", "Bare", "Blank"]


def test_what_waits_comes_first_if_asked(client, teacher, papers):
    client.force_login(teacher)
    assert names(client, papers, order="waiting")[:4] == ["Blank", "Changed", "Cut", "Approved"]


def test_it_orders_by_points_with_the_proposal_where_nobody_has_decided(client, teacher, papers):
    client.force_login(teacher)
    assert names(client, papers, order="-points")[:2] == ["Changed", "Cut"]
    assert names(client, papers, order="points")[0] == "Blank"


def test_the_number_of_queries_does_not_grow_with_the_class(client, teacher, papers):
    client.force_login(teacher)
    address = reverse("grading:review_list", args=[papers.pk])
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(address)
    for _ in range(20):
        make_grade(make_submission(papers))
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(few)
