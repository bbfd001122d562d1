"""The health page: it works with everything down, and says what to do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from grading.health_report import plain_address, report
from grading.models import Worker, WorkerKind
from tests.grading.factories import make_version

pytestmark = pytest.mark.django_db


def codes() -> set[str]:
    return {trouble.code for trouble in report().troubles}


def heard_of(kind: str, *, seconds_ago: int = 1, **fields: Any) -> Worker:
    seen = timezone.now() - timedelta(seconds=seconds_ago)
    return Worker.objects.create(
        name=f"{kind}@node:1-{seconds_ago}", kind=kind, started_at=seen, seen_at=seen, **fields
    )


def test_it_works_without_broker_workers_or_version(client: Client, admin: User, settings: Any, tmp_path: Path) -> None:
    settings.MARGINALIA_BASE_DIR = tmp_path / "nothing"
    client.force_login(admin)
    page = client.get(reverse("grading:health"))
    assert page.status_code == 200
    assert "The broker does not answer" in page.content.decode()
    assert codes() == {"broker", "no_marking_worker", "no_training_worker", "no_default_worker", "no_version", "base"}


def test_it_shows_the_workers_that_were_heard_of_lately(client: Client, admin: User) -> None:
    heard_of(WorkerKind.MARKING, device="cpu", base_name="tiny-llama", version_name="starter")
    heard_of(WorkerKind.TRAINING, seconds_ago=4000)
    client.force_login(admin)
    page = client.get(reverse("grading:health")).content.decode()
    assert "marking@node:1-1" in page
    assert "training@node" not in page
    assert "no_marking_worker" not in codes()
    assert "no_training_worker" in codes()


def test_it_notices_a_worker_with_another_base_than_the_version_in_use() -> None:
    make_version(base_name="tiny-llama")
    heard_of(WorkerKind.MARKING, base_name="Llama-2-7b")
    assert "other_base" in codes()


def test_it_notices_that_the_files_of_the_version_in_use_are_gone() -> None:
    make_version(directory="gone")
    assert "version_files" in codes()


def test_it_never_shows_the_password_of_the_broker(client: Client, admin: User, settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://user:hush-hush@127.0.0.1:1/0"
    assert plain_address(settings.CELERY_BROKER_URL) == "redis://127.0.0.1:1/0"
    client.force_login(admin)
    assert "hush-hush" not in client.get(reverse("grading:health")).content.decode()
