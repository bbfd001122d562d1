"""Each trouble of the health page is shown when it is there, and not when it is not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from courses.models import Assignment
from grading import health_checks
from grading.health_report import report
from grading.models import GradingJob, LastTime, TrainingRun, Worker
from grading.services.operations import BACKUP, MAIL_FAILED, MAIL_SENT, happened
from gradingsite import codes
from tests.grading.factories import make_run, make_submission, make_user

pytestmark = pytest.mark.django_db


def codes_shown() -> set[str]:
    return {trouble.code for trouble in report().troubles}


def past(name: str, **ago: float) -> None:
    happened(name)
    LastTime.objects.filter(name=name).update(at=timezone.now() - timedelta(**ago))


def test_a_sound_site_has_none_of_them() -> None:
    shown = codes_shown()
    assert not shown & {"migrations", "newer_tables", "other_code", "disk", "mail", "training_failed", "backup"}
    assert not [code for code in shown if code.startswith("old_")]


def test_answers_that_wait_too_long(assignment: Assignment, settings: Any) -> None:
    make_run(assignment, [make_submission(assignment)])
    assert "old_marking" not in codes_shown()
    waits = timedelta(minutes=settings.ALARM_QUEUE_MINUTES + 1)
    GradingJob.objects.update(queued_at=timezone.now() - waits)
    assert "old_marking" in codes_shown()


@pytest.mark.parametrize(("free", "shown"), [(0.09, True), (0.11, False)])
def test_a_disk_that_is_nearly_full(monkeypatch: pytest.MonkeyPatch, free: float, shown: bool) -> None:
    monkeypatch.setattr(health_checks.disk, "free_share", lambda: free)
    assert ("disk" in codes_shown()) is shown


def test_missing_migrations_are_said_and_the_page_still_opens(client: Client, admin: User) -> None:
    MigrationRecorder.Migration.objects.filter(app="grading").order_by("name").last().delete()
    client.force_login(admin)
    page = client.get(reverse("grading:health"))
    assert page.status_code == 200
    assert "python manage.py migrate" in page.content.decode()
    assert "migrations" in codes_shown()


def test_tables_of_a_newer_program() -> None:
    MigrationRecorder.Migration.objects.create(app="grading", name="9999_from_tomorrow")
    assert "newer_tables" in codes_shown()


def test_a_worker_of_another_version_of_the_program() -> None:
    now = timezone.now()
    mine = Worker.objects.create(name="m", kind="marking", started_at=now, seen_at=now, code=codes.code_digest())
    assert "other_code" not in codes_shown()
    Worker.objects.filter(pk=mine.pk).update(code="0123456789ab")
    assert "other_code" in codes_shown()


def test_mail_that_fails_until_one_gets_out() -> None:
    past(MAIL_SENT, hours=3)
    past(MAIL_FAILED, hours=1)
    assert "mail" in codes_shown()
    past(MAIL_SENT, minutes=1)
    assert "mail" not in codes_shown()


def test_a_mail_that_failed_long_ago_is_no_news() -> None:
    past(MAIL_FAILED, days=2)
    assert "mail" not in codes_shown()


def make_training(state: str, **ago: float) -> TrainingRun:
    import uuid

    ended = timezone.now() - timedelta(**ago)
    return TrainingRun.objects.create(request_key=uuid.uuid4(), config={}, state=state, finished_at=ended)


def test_a_training_that_failed_until_one_succeeds() -> None:
    make_training("failed", hours=2)
    assert "training_failed" in codes_shown()
    make_training("succeeded", hours=1)
    assert "training_failed" not in codes_shown()


def test_a_training_that_failed_last_week_is_no_news() -> None:
    make_training("failed", days=7)
    assert "training_failed" not in codes_shown()


def test_a_site_in_use_without_a_backup() -> None:
    user = make_user()
    assert "backup" not in codes_shown(), "it was set up today"
    User.objects.filter(pk=user.pk).update(date_joined=timezone.now() - timedelta(days=30))
    assert "backup" in codes_shown()


def test_the_backup_command_writes_down_when_it_was(tmp_path: Path, settings: Any) -> None:
    User.objects.filter(pk=make_user().pk).update(date_joined=timezone.now() - timedelta(days=30))
    call_command("backup", str(tmp_path / "site.zip"))
    assert "backup" not in codes_shown()
    past(BACKUP, days=settings.ALARM_BACKUP_DAYS + 1)
    assert "backup" in codes_shown()


def test_every_trouble_says_what_is_wrong_and_what_to_do_in_one_sentence_each(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(assignment, [make_submission(assignment)])
    GradingJob.objects.update(queued_at=timezone.now() - timedelta(days=1))
    User.objects.update(date_joined=timezone.now() - timedelta(days=30))
    monkeypatch.setattr(health_checks.disk, "free_share", lambda: 0.01)
    past(MAIL_FAILED, hours=1)
    make_training("failed", hours=1)
    now = timezone.now()
    Worker.objects.create(name="m", kind="marking", started_at=now, seen_at=now, code="0123456789ab")
    found = {trouble.code: trouble for trouble in report().troubles}
    assert {"old_marking", "disk", "mail", "training_failed", "other_code", "backup"} <= set(found)
    for trouble in found.values():
        assert trouble.what
        assert trouble.to_do
        assert "%(" not in trouble.what + trouble.to_do
