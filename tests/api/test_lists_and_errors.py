from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from courses.models import Assignment, Submission
from tests.grading.factories import make_submission

pytestmark = pytest.mark.django_db


def test_pages_neither_double_nor_miss_rows_that_come_and_go(
    assignment: Assignment, teacher: User, program: Callable[..., Any]
) -> None:
    rows = [make_submission(assignment) for _ in range(5)]
    path, script = f"/assignments/{assignment.pk}/submissions", program(teacher)
    first = script.get(f"{path}?limit=2").json()
    Submission.objects.filter(pk=rows[0].pk).delete()
    rows.append(make_submission(assignment))
    rest = script.get(f"{path}?limit=200&after={first['next']}").json()
    assert [row["id"] for row in first["items"] + rest["items"]] == [row.pk for row in rows]
    assert rest["next"] is None


def test_the_last_full_page_is_the_last(assignment: Assignment, teacher: User, program: Callable[..., Any]) -> None:
    for _ in range(2):
        make_submission(assignment)
    assert program(teacher).get(f"/assignments/{assignment.pk}/submissions?limit=2").json()["next"] is None


@pytest.mark.parametrize(
    ("method", "path", "data", "status"),
    [
        ("get", "/courses?limit=0", None, 422),
        ("get", "/courses?after=x", None, 422),
        ("get", "/courses/99999", None, 404),
        ("get", "/courses/99999999999999999999999", None, 422),
        ("get", "/courses/x", None, 422),
        ("get", "/nothing/here", None, 404),
        ("delete", "/courses", None, 405),
        ("post", "/runs/1/cancel", {}, 404),
    ],
)
def test_every_refusal_has_one_shape(
    method: str, path: str, data: Any, status: int, teacher: User, program: Callable[..., Any]
) -> None:
    answer = program(teacher).ask(method, path, data)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert set(answer.json()["error"]) == {"code", "message", "field"}
    assert answer.json()["error"]["message"]


def test_a_body_that_is_no_json_is_a_bad_request(
    assignment: Assignment, teacher: User, program: Callable[..., Any]
) -> None:
    url = f"/api/assignments/{assignment.pk}/runs"
    for body in ("{", "[" * 100_000, "\xff"):
        answer = Client().post(url, body, content_type="application/json", headers=program(teacher).headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unreadable")


def test_words_come_in_the_language_that_is_asked_for(teacher: User, program: Callable[..., Any]) -> None:
    answer = program(teacher).ask("get", "/courses/999", accept_language="de")
    assert answer.headers["Content-Language"] == "de"
