"""The sample course loads once, whole, and leaves something to mark."""

from __future__ import annotations

from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command

from courses.models import Course, Submission
from grading.models import Grade


def load() -> str:
    out = StringIO()
    call_command("load_sample_course", stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def _own_directory(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.VAR_DIR = tmp_path
    monkeypatch.delenv("SAMPLE_PASSWORD", raising=False)


def test_it_loads_the_course_with_some_answers_reviewed(db: None, tmp_path: Path) -> None:
    told = load()
    course = Course.objects.get()
    answers = Counter(Submission.objects.ready().values_list("assignment__title", flat=True))
    assert len(answers) == 3
    assert min(answers.values()) >= 12
    states = Counter(Grade.objects.values_list("submission__assignment__title", "state"))
    assert {state for _, state in states} == {"approved", "released"}
    assert all(Submission.objects.filter(assignment=row, grades=None).exists() for row in course.assignments.all())
    assert mail.outbox == []
    password = tmp_path / "sample_password"
    assert password.stat().st_mode & 0o777 == 0o600
    assert User.objects.get(username="admin@example.org").check_password(password.read_text().strip())
    assert "student14@example.org" in told


def test_a_second_time_it_changes_nothing(db: None) -> None:
    load()
    before = [Course.objects.count(), User.objects.count(), Submission.objects.count(), Grade.objects.count()]
    assert "already" in load()
    assert [Course.objects.count(), User.objects.count(), Submission.objects.count(), Grade.objects.count()] == before


def test_an_account_that_exists_keeps_its_password_and_rights(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLE_PASSWORD", "given-password")
    User.objects.create_user("admin@example.org", "admin@example.org", "my own password")
    load()
    mine = User.objects.get(username="admin@example.org")
    assert (mine.check_password("my own password"), mine.is_staff) == (True, False)
    assert User.objects.get(username="teacher@example.org").check_password("given-password")
