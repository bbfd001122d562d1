"""A database of the first release, with rows in every table, comes through all migrations whole, and its pages open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps as newest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.urls import reverse

from courses.services import member_add
from grading.models import GradeEvent
from grading.services.student_deletion import student_delete
from tests.factories import UserFactory
from tests.site.first_release import fill

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(300)]
APPS = ("courses", "grading")
FIRST = [(app, "0001_initial") for app in APPS]


@pytest.fixture
def first_release() -> Iterator[Any]:
    """The tables as the first release made them, empty; afterwards those of today again."""
    try:
        call_command("migrate", "grading", "zero", verbosity=0)
        call_command("migrate", "courses", "zero", verbosity=0)
        for app, name in FIRST:
            call_command("migrate", app, name, verbosity=0)
        yield MigrationExecutor(connection).loader.project_state(FIRST).apps
    finally:
        call_command("migrate", verbosity=0)


def rows_of(apps: Any, fields: dict[str, list[str]]) -> dict[str, list[dict[str, Any]]]:
    return {label: list(apps.get_model(label).objects.order_by("pk").values(*names)) for label, names in fields.items()}


def fields_of(apps: Any) -> dict[str, list[str]]:
    models = [model for app in APPS for model in apps.get_app_config(app).get_models()]
    return {model._meta.label: [field.attname for field in model._meta.concrete_fields] for model in models}


def test_every_row_comes_through_and_the_pages_open(first_release: Any, client: Client) -> None:
    teacher, student, admin = UserFactory(), UserFactory(), UserFactory(is_staff=True)
    keys = fill(first_release, teacher, student, admin)
    fields = fields_of(first_release)
    before = rows_of(first_release, fields)
    assert [label for label, rows in before.items() if not rows] == []
    call_command("migrate", verbosity=0)
    assert rows_of(newest, fields) == before
    assert not MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())
    for user, names in pages_of(teacher, student, admin).items():
        client.force_login(user, backend="gradingsite.accounts.EmailBackend")
        for name, key in names:
            assert client.get(reverse(name, args=[keys[key]] if key else [])).status_code == 200, name
    member_add(course=newest.get_model("courses.Course").objects.get(), by=teacher, email="new@example.org")
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        GradeEvent.objects.all().delete()
    student_delete(student=student, by=admin)
    assert GradeEvent.objects.count() == 2


def pages_of(teacher: User, student: User, admin: User) -> dict[User, list[tuple[str, str]]]:
    return {
        teacher: [
            ("courses:home", ""),
            ("courses:course", "course"),
            ("courses:members", "course"),
            ("courses:assignment", "assignment"),
            ("courses:rubric_edit", "assignment"),
            ("courses:submission_original", "released"),
            ("grading:review_list", "assignment"),
            ("grading:review", "proposed"),
            ("grading:review", "released"),
            ("grading:release", "assignment"),
            ("grading:dashboard", "assignment"),
            ("grading:course_history", "course"),
            ("grading:course_retention", "course"),
        ],
        student: [
            ("courses:course", "course"),
            ("grading:my_grade", "released"),
            ("grading:my_data", ""),
        ],
        admin: [
            ("grading:versions", ""),
            ("grading:version", "version"),
            ("grading:training", "training"),
            ("grading:health", ""),
            ("grading:history", ""),
        ],
    }
