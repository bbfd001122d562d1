"""An export has everything about the student, and a student's own copy nothing that is not released."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from grading.about_students import ABOUT_STAFF, ENTRIES
from grading.models import Grade, GradeEvent
from grading.services.student_export import student_export
from tests.grading.factories import make_assignment, make_grade, make_submission, make_user

pytestmark = pytest.mark.django_db


def label(model: Any) -> str:
    return str(model._meta.label)


def test_every_model_that_hangs_on_a_student_has_an_entry_or_a_reason() -> None:
    listed = {entry.model for entry in ENTRIES}
    hanging = {
        label(model)
        for model in apps.get_models()
        for field in [*model._meta.fields, *model._meta.many_to_many]
        if field.related_model in listed and getattr(field.remote_field, "through", None) not in listed
    }
    assert hanging - {label(model) for model in listed} == set(ABOUT_STAFF)


@pytest.fixture
def marked() -> Grade:
    """One released grade, and beside it one on another answer that is not released yet."""
    student = make_user("ada")
    submission = make_submission(
        make_assignment(criteria=(2,)), "My own answer.", student=student, original_name="e.txt"
    )
    submission.original.save("e.txt", ContentFile(b"As handed in."))
    now = timezone.now()
    grade = make_grade(submission, "released", points=1, feedback="Released words.", released_at=now)
    GradeEvent.objects.create(grade=grade, action="released", note="an inner remark")
    make_grade(make_submission(student=student), feedback="Unreleased words.", internal_note="Watch this one.")
    make_grade(make_submission(text="Somebody else's answer."), "released", points=1, feedback="Somebody else's words.")
    return grade


def opened(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(files["data.json"]), files


def test_the_whole_export_has_every_row_and_file_of_the_student_and_no_one_elses(marked: Grade) -> None:
    student = marked.submission.student
    data, files = opened(student_export(student=student, whole=True))
    for entry in ENTRIES:
        assert [row["id"] for row in data[label(entry.model)]] == list(entry.rows(student).values_list("pk", flat=True))
    assert len(data["grading.Grade"]) == 2
    assert files[marked.submission.original.name] == b"As handed in."
    everything = b"".join(files.values()).decode()
    assert "Unreleased words." in everything
    assert "Somebody else" not in everything
    assert "password" not in data["auth.User"][0]


def test_a_students_own_copy_has_the_released_and_nothing_that_is_not(marked: Grade, client: Client) -> None:
    client.force_login(marked.submission.student, backend="gradingsite.accounts.EmailBackend")
    response = client.get(reverse("grading:my_data"))
    assert response["Content-Type"] == "application/zip"
    data, files = opened(response.content)
    page = files["index.html"].decode()
    assert "My own answer." in page
    assert "Released words." in page
    assert files[marked.submission.original.name] == b"As handed in."
    assert [row["id"] for row in data["grading.Grade"]] == [marked.pk]
    everything = b"".join(files.values()).decode()
    for hidden in ("Unreleased words.", "Watch this one.", "an inner remark", "Somebody else"):
        assert hidden not in everything


def test_nobody_gets_a_copy_without_logging_in(client: Client) -> None:
    make_user()
    assert client.get(reverse("grading:my_data")).status_code == 302
    assert User.objects.count() == 1
