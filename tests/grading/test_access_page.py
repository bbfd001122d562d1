"""Every address of the app, asked for by everybody."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from courses.models import Assignment, Course
from grading import urls
from grading.models import TrainingRun
from tests.grading.factories import make_grade, make_run, make_submission, make_version

CAST = ("admin", "teacher", "assistant", "student", "other_student", "outsider")

# What GET answers, in the order of CAST.
STAFF = "200 200 200 403 403 404"
ADMIN = "200 403 403 403 403 403"
PAGES = {
    "import_marked": "200 200 403 403 403 404",
    "run": "200 200 200 404 404 404",
    "run_progress": "200 200 200 404 404 404",
    "review_list": STAFF,
    "review": "200 200 200 403 404 404",
    "release": STAFF,
    "export": STAFF,
    "my_grade": "200 200 200 200 404 404",
    "versions": ADMIN,
    "version": ADMIN,
    "version_promote": ADMIN,
    "version_card": ADMIN.replace("200", "302"),  # this version has no directory to read a card from
    "training_list": ADMIN,
    "training_new": ADMIN,
    "training_sets": ADMIN,
    "training": ADMIN,
    "training_progress": ADMIN,
    "health": ADMIN,
}
# What POST answers to those who may not; nobody else is asked, for a POST changes things.
NOT_ADMIN = "- 403 403 403 403 403"
GRADE = "- - - 403 404 404"
ACTS = {
    "import_marked": "- - 403 403 403 404",
    "run_start": "- - - 403 403 404",
    "run_cancel": "- - - 404 404 404",
    "run_retry": "- - - 404 404 404",
    "grade_by_hand": GRADE,
    "grade_save": GRADE,
    "grade_reopen": GRADE,
    "grade_reject": GRADE,
    "grade_regrade": GRADE,
    "withdraw": GRADE,
    "release_again": GRADE,
    "release": "- - - 403 403 404",
    "version_roll_back": NOT_ADMIN,
    "version_promote": NOT_ADMIN,
    "version_retire": NOT_ADMIN,
    "version_reject": NOT_ADMIN,
    "training_new": NOT_ADMIN,
    "training_sets": NOT_ADMIN,
    "training_cancel": NOT_ADMIN,
}


@pytest.fixture
def addresses(request: pytest.FixtureRequest, course: Course, assignment: Assignment, student: User) -> dict[str, str]:
    for name in CAST:
        request.getfixturevalue(name)
    version = make_version()
    submission = make_submission(assignment, student=student)
    grade = make_grade(submission, "released", points=2, version=version)
    run = make_run(assignment, [submission])
    training = TrainingRun.objects.create(request_key="11111111-2222-4333-8444-555555555555", config={})
    rows: dict[str, Any] = {
        **dict.fromkeys(("run", "run_progress", "run_cancel", "run_retry"), run),
        **dict.fromkeys(("review", "grade_by_hand", "my_grade"), submission),
        **dict.fromkeys(("grade_save", "grade_reopen", "grade_reject", "grade_regrade"), grade),
        **dict.fromkeys(("withdraw", "release_again"), grade),
        **dict.fromkeys(("version", "version_promote", "version_retire", "version_reject", "version_card"), version),
        **dict.fromkeys(("training", "training_progress", "training_cancel"), training),
        **dict.fromkeys(("versions", "version_roll_back", "training_list", "training_new", "training_sets"), None),
        **dict.fromkeys(("run_start", "review_list", "release", "export"), assignment),
        "import_marked": course,
        "health": None,
    }
    found = {}
    for pattern in urls.urlpatterns:
        name = str(pattern.name)
        arguments = [rows[name].pk] if rows[name] else []
        found[name] = reverse(f"grading:{name}", args=[*arguments, "csv"] if name == "export" else arguments)
    return found


def test_no_address_is_forgotten(addresses):
    assert set(PAGES) | set(ACTS) == set(addresses)


def test_nobody_sees_a_page_that_is_not_theirs(client: Client, addresses):
    for place, name in enumerate(CAST):
        client.force_login(User.objects.get(email=_address(name)))
        found = {page: client.get(addresses[page]).status_code for page in PAGES}
        assert found == {page: int(codes.split()[place]) for page, codes in PAGES.items()}, name


def test_nobody_changes_what_is_not_theirs(client: Client, addresses):
    for place, name in enumerate(CAST):
        client.force_login(User.objects.get(email=_address(name)))
        wanted = {act: codes.split()[place] for act, codes in ACTS.items() if codes.split()[place] != "-"}
        found = {act: str(client.post(addresses[act]).status_code) for act in wanted}
        assert found == wanted, name


def test_reading_an_address_that_changes_things_changes_nothing(client: Client, addresses, admin):
    client.force_login(admin)
    for act in set(ACTS) - set(PAGES):
        assert client.get(addresses[act]).status_code == 405, act


def test_strangers_are_asked_to_log_in(client: Client, addresses):
    for name, address in addresses.items():
        response = client.get(address) if name in PAGES else client.post(address)
        assert response.status_code == 302, name
        assert reverse("login") in response.url


def _address(name: str) -> str:
    return {"student": "ada@example.org", "other_student": "bilal.chaudhry@example.org"}.get(
        name, f"{name}@example.org"
    )
