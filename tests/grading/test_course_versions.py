"""A course can have a version of its own: it marks that course alone, learns from it alone, and takes turns there."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError

from grading.exceptions import TrainingSettingsRefused
from grading.models import ModelVersion, TrainingRun
from grading.services import grading_run_start, training_run_start, version_promote, version_register, version_roll_back
from tests.grading.adapters import write_bare_adapter
from tests.grading.factories import make_assignment, make_submission, make_version

pytestmark = pytest.mark.django_db


def registered(versions_dir, name, **fields: Any) -> ModelVersion:
    return version_register(directory=write_bare_adapter(versions_dir / name), **fields)


def test_a_course_is_marked_by_its_own_version_and_every_other_one_by_the_sites(admin):
    site = make_version(name="site")
    assignment, other = make_assignment(), make_assignment()
    own = make_version(name="own", course=assignment.course)
    for row in (assignment, other):
        make_submission(row)
    assert grading_run_start(assignment=assignment, by=admin, scope="all").version == own
    assert grading_run_start(assignment=other, by=admin, scope="all").version == site
    assert ModelVersion.objects.in_use() == site


def test_without_a_site_version_a_courses_own_marks_nobody_else(admin):
    own = make_version(course=make_assignment().course)
    assert ModelVersion.objects.in_use() is None
    assert ModelVersion.objects.in_use(make_assignment().course) is None
    assert ModelVersion.objects.in_use(own.course) == own


def test_promoting_a_courses_version_leaves_the_sites_in_use(versions_dir, admin):
    site = make_version(name="site")
    course = make_assignment().course
    first, second = (registered(versions_dir, name, course=course) for name in ("first", "second"))
    for version in (first, second):
        version_promote(version=version, by=admin, note="try")
    assert {row.name for row in ModelVersion.objects.promoted()} == {"site", "second"}
    assert version_roll_back(by=admin, course=course) == first
    assert ModelVersion.objects.in_use() == site
    assert ModelVersion.objects.in_use(course) == first


def test_the_database_refuses_two_promoted_versions_of_one_scope():
    course = make_assignment().course
    make_version(course=course)
    make_version()
    with pytest.raises(IntegrityError):
        make_version(course=course)


def test_a_running_grading_run_ends_on_the_version_that_it_began_with(versions_dir, admin):
    old = make_version(name="old")
    assignment = make_assignment()
    make_submission(assignment)
    run = grading_run_start(assignment=assignment, by=admin, scope="all")
    version_promote(version=registered(versions_dir, "new"), by=admin, note="better by eye")
    run.refresh_from_db()
    assert run.version == old


def start(admin, **fields: Any) -> TrainingRun:
    values = {
        "request_key": uuid.uuid4(),
        "courses": [],
        "training_sets": [],
        "parts": ["scorer"],
        "method": "qlora",
        "rank": 4,
        "learning_rate": 1e-3,
        "epochs": 1.0,
    }
    return training_run_start(by=admin, **{**values, **fields})


def test_a_courses_training_takes_no_answers_and_no_version_of_another_course(admin, versions_dir):
    course, other = make_assignment().course, make_assignment().course
    with pytest.raises(TrainingSettingsRefused, match="that course alone"):
        start(admin, course=course, courses=[course, other])
    foreign = registered(versions_dir, "foreign", course=other)
    for scope in (None, course):
        with pytest.raises(TrainingSettingsRefused, match="serve no other"):
            start(admin, course=scope, start_from=foreign)
    assert not TrainingRun.objects.exists()
