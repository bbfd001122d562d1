"""Random requests made from the OpenAPI schema against the whole application: no 500, and every answer is what the
schema says. FUZZ=10000 makes more of them (make fuzz)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from courses.models import Assignment
from gradingsite.wsgi import application
from tests.grading.factories import make_grade, make_run, make_submission, make_version

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(3600)]
FUZZ = int(os.environ.get("FUZZ", "0"))
EXAMPLES = max(FUZZ // 50, 3)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
schema = schemathesis.openapi.from_wsgi("/api/openapi.json", application)


@pytest.fixture
def keys(assignment: Assignment, student: User, settings: Any) -> dict[str, int]:
    settings.TRIES_PER_HOUR = {**settings.TRIES_PER_HOUR, "api_token": 10**9}
    settings.HAND_INS_PER_DAY = 10**9
    make_version()
    paper = make_submission(assignment, student=student)
    other = make_submission(assignment)
    return {
        "courses": assignment.course_id,
        "assignments": assignment.pk,
        "submissions": paper.pk,
        "grades": make_grade(paper).pk,
        "runs": make_run(assignment, [other]).pk,
    }


@pytest.fixture
def headers(teacher: User, program: Callable[..., Any]) -> Iterator[dict[str, str]]:
    """A token; and the end of a request leaves the test's connection open, as Django's own test client sees to it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield {"Authorization": program(teacher).headers["authorization"]}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_answers_are_what_the_schema_says(
    case: Any, keys: dict[str, int], headers: dict[str, str], student: User
) -> None:
    case.call_and_validate(headers=headers, checks=CHECKS)
    # Once more with a row that exists, and a student of the course.
    if case.path_parameters:
        case.path_parameters["pk"] = keys[case.path.split("/")[2]]
    if isinstance(case.body, dict) and "student" in case.body:
        case.body["student"] = student.email
    case.call_and_validate(headers=headers, checks=CHECKS)
