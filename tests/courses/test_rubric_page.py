from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from courses.models import Assignment, Criterion


def sent(*criteria: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    """What the form posts: each criterion with its place unless it says another."""
    data: dict[str, Any] = {"criteria-TOTAL_FORMS": len(criteria), "criteria-INITIAL_FORMS": initial}
    for number, row in enumerate(criteria):
        fields = {"ORDER": number + 1, "title": "", "points": "", "description": "", "levels": "", "id": "", **row}
        data |= {f"criteria-{number}-{name}": value for name, value in fields.items()}
    return data


@pytest.fixture
def address(client: Client, teacher: User, assignment: Assignment) -> str:
    client.force_login(teacher)
    return reverse("courses:rubric_edit", args=[assignment.pk])


def titles(assignment: Assignment) -> list[str]:
    return list(Criterion.objects.filter(rubric__assignment=assignment).values_list("title", flat=True))


def test_a_rubric_is_made_with_levels(client: Client, address: str, assignment: Assignment) -> None:
    levels = "0: nothing\n1,5: half of it\n\n3: all: with reasons"
    client.post(
        address, sent({"title": "Scattering", "points": "3", "levels": levels}, {"title": "Style", "points": "1"})
    )
    assert titles(assignment) == ["Scattering", "Style"]
    first = Criterion.objects.get(title="Scattering")
    assert [(level.points, level.description) for level in first.levels.all()] == [
        (Decimal(0), "nothing"),
        (Decimal("1.5"), "half of it"),
        (Decimal(3), "all: with reasons"),
    ]
    page = client.get(address).text
    assert "1.5: half of it" in page
    assert 'value="3"' in page


def test_criteria_are_moved_and_removed_without_a_script(client: Client, address: str, assignment: Assignment) -> None:
    client.post(address, sent({"title": "One", "points": "2"}, {"title": "Two", "points": "2"}))
    one, two = Criterion.objects.order_by("position")
    kept = {"id": two.pk, "title": "Two", "points": "1", "ORDER": 1}
    gone = {"id": one.pk, "title": "One", "points": "2", "DELETE": "on"}
    client.post(address, sent(gone, kept, {"title": "Three", "points": "3", "ORDER": 0}, initial=2))
    assert titles(assignment) == ["Three", "Two"]
    assert Criterion.objects.get(title="Two").pk == two.pk


def test_one_more_criterion_is_asked_for_without_losing_what_was_typed(client: Client, address: str) -> None:
    response = client.post(address, {**sent({"title": "Unsaved", "points": "2"}), "add": "1"})
    assert 'value="Unsaved"' in response.text
    assert 'name="criteria-1-title"' in response.text
    assert not Criterion.objects.exists()


def test_criteria_that_do_not_add_up_come_back_with_words(client: Client, address: str) -> None:
    response = client.post(address, sent({"title": "Little", "points": "1"}))
    assert "The criteria add up to 1 points, but the assignment has 4" in response.text
    assert 'value="Little"' in response.text
    assert not Criterion.objects.exists()


@pytest.mark.parametrize("levels", ["half of it", "x: y", ": y", "1:", "NaN: y", "1e99: y", "0: " + "y" * 501])
def test_a_level_that_cannot_be_read_is_told_by_line(levels: str, client: Client, address: str) -> None:
    response = client.post(address, sent({"title": "All", "points": "4", "levels": f"0: nothing\n{levels}"}))
    assert "Line 2" in response.text
    assert not Criterion.objects.exists()


@pytest.mark.parametrize("total", ["", "-1", "many", "100000"])
def test_a_broken_form_is_no_error_of_ours(total: str, client: Client, address: str) -> None:
    data = {**sent({"title": "All", "points": "4"}), "criteria-TOTAL_FORMS": total}
    assert client.post(address, data).status_code in (200, 302)
    assert client.post(address, {**data, "add": "1"}).status_code == 200


def test_an_unsaved_criterion_of_another_rubric_is_refused(client: Client, address: str) -> None:
    response = client.post(address, sent({"title": "All", "points": "4", "id": "999"}, initial=1))
    assert "One of the criteria was removed in the meantime" in response.text
