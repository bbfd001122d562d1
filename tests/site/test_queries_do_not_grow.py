"""No page asks more of the database when there is more to show: each is looked at twice, with rows added between."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from courses.models import Assignment, Course, Membership, Role
from grading.models import SavedComment, TrainingSet
from tests.browser.evening import make
from tests.browser.visits import ADMIN, STUDENT, TEACHER, VISITS
from tests.grading.factories import make_assignment, make_grade, make_run, make_submission, make_user, make_version

pytestmark = pytest.mark.slow

# Pages that ask more for more rows, and why they may.
MAY_GROW: dict[str, str] = {}
PEOPLE = 12


@pytest.mark.django_db
@pytest.mark.timeout(300)
def test_every_page_asks_as_much_with_few_rows_as_with_many(capsys: pytest.CaptureFixture[str]) -> None:
    for email in (TEACHER, STUDENT, ADMIN):
        get_user_model().objects.create(username=email, email=email, last_name="Hale", is_staff=email == ADMIN)
    make_version()
    make()
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])
    _queries(rows)  # what is kept after the first time is kept now
    few = _queries(rows)
    _more(Course.objects.get(pk=rows["course"]), get_user_model().objects.get(email=STUDENT))
    many = _queries(rows)
    assert {page: (few[page], many[page]) for page in few if many[page] > few[page] and page not in MAY_GROW} == {}


def _queries(rows: dict[str, Any]) -> dict[str, int]:
    found = {}
    for email, visits in VISITS.items():
        client = Client()
        if email:
            client.force_login(get_user_model().objects.get(email=email), "gradingsite.accounts.EmailBackend")
        for visit in visits:
            address = visit.address(rows)
            with CaptureQueriesContext(connection) as seen:
                client.get(address)
            found[f"{email or 'anybody'} {visit.name} {address}"] = len(seen)
    return found


def _more(course: Course, student: Any) -> None:
    """Several times as many of everything that a page lists."""
    teacher = get_user_model().objects.get(email=TEACHER)
    now = timezone.now()
    approved = {"points": Decimal(2), "approved_by": teacher, "approved_at": now}
    for number in range(3):
        other = Course.objects.create(name=f"Another course {number}")
        Membership.objects.create(course=other, user=teacher, role=Role.TEACHER)
        Membership.objects.create(course=other, user=student, role=Role.STUDENT)
        make_grade(make_submission(make_assignment(other), student=student), "released", released_at=now, **approved)
        make_assignment(course, title=f"One more {number}")
        make_version("candidate", name=f"one more {number}")
        SavedComment.objects.create(course=course, text=f"One more {number}.")
        TrainingSet.objects.create(name=f"One more {number}")
    people = [make_user(last_name=f"More{number:02}") for number in range(PEOPLE)]
    for assignment in Assignment.objects.filter(course=course):
        papers = [make_submission(assignment, student=person) for person in people]
        for place, paper in enumerate(papers):
            state = ("proposed", "approved", "released")[place % 3]
            released = {"released_at": now} if state == "released" else {}
            make_grade(paper, state, **({} if state == "proposed" else approved), **released)
        make_run(assignment, papers)
