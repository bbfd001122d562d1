"""A worker whose code does not belong to the tables claims nothing, and leaves the row as it was."""

from __future__ import annotations

import uuid

import pytest
from django.db.migrations.recorder import MigrationRecorder

from courses.models import Assignment
from grading.models import Pilot, TrainingRun
from grading.services.jobs import jobs_claim
from grading.services.pilots import pilot_claim
from grading.services.training_work import training_claim
from gradingsite import codes
from tests.grading.factories import make_run, make_submission, make_user, make_version

pytestmark = pytest.mark.django_db
APPLIED = MigrationRecorder.Migration.objects


@pytest.fixture(autouse=True)
def work(assignment: Assignment) -> None:
    """Something of each kind waits."""
    version = make_version()
    make_run(assignment, [make_submission(assignment)], version=version)
    Pilot.objects.create(assignment=assignment, by=make_user(), version=version, snapshot={"criteria": []})
    TrainingRun.objects.create(request_key=uuid.uuid4(), config={})


def claimed() -> list[bool]:
    found = (jobs_claim(worker="w", limit=8), pilot_claim(), training_claim(worker="w"))
    return [claim is not None for claim in found]


def states(assignment: Assignment) -> set[tuple[str, int]]:
    runs = assignment.grading_runs.get().jobs.values_list("state", "attempt")
    return {*runs, *Pilot.objects.values_list("state", "attempt"), *TrainingRun.objects.values_list("state", "attempt")}


def test_with_its_own_tables_it_claims_all_of_it() -> None:
    assert claimed() == [True, True, True]


@pytest.mark.parametrize("app", ["courses", "grading"])
def test_tables_of_newer_code(assignment: Assignment, app: str) -> None:
    APPLIED.create(app=app, name="9999_from_tomorrow")
    assert claimed() == [False, False, False]
    assert states(assignment) == {("queued", 0)}


@pytest.mark.parametrize("app", ["courses", "grading"])
def test_tables_that_were_not_migrated_yet(assignment: Assignment, app: str) -> None:
    APPLIED.filter(app=app).order_by("name").last().delete()
    assert claimed() == [False, False, False]
    assert states(assignment) == {("queued", 0)}


def test_migrations_of_other_apps_and_ones_that_were_joined_long_ago_do_not_matter() -> None:
    APPLIED.create(app="axes", name="9999_from_tomorrow")
    APPLIED.create(app="grading", name="0001_before_they_were_joined")
    assert codes.fits()
    assert claimed() == [True, True, True]


def test_the_digest_names_the_code_and_is_remembered() -> None:
    assert len(codes.code_digest()) == 12
    assert codes.code_digest() == codes.code_digest()
    assert not codes.missing_migrations()
    assert not codes.newer_migrations()
