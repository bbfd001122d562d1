"""A broker that takes connections and answers nothing: no page waits for it, and what was asked for is not lost."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from courses.models import Assignment
from grading.models import GradingJob
from gradingsite import broker
from tests.faults.conftest import _use_broker, until
from tests.grading.factories import make_submission, make_version

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def hung(tmp_path: Path, settings: object) -> Iterator[None]:
    server = subprocess.Popen(broker.command(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(broker.socket_path(tmp_path).exists, "the broker's socket", seconds=20)
    _use_broker(broker.socket_url(tmp_path))
    server.send_signal(signal.SIGSTOP)
    yield
    server.send_signal(signal.SIGCONT)
    server.terminate()
    server.wait(timeout=20)
    _use_broker(settings.CELERY_BROKER_URL)  # type: ignore[attr-defined]


def test_a_run_is_started_within_two_seconds(hung: None, client: Client, teacher: User, assignment: Assignment) -> None:
    make_version()
    make_submission(assignment)
    client.force_login(teacher, backend="gradingsite.accounts.EmailBackend")
    client.get(reverse("courses:assignment", args=[assignment.pk]))  # the first request imports every view
    begun = time.monotonic()
    answer = client.post(reverse("grading:run_start", args=[assignment.pk]), {"scope": "all"})
    assert time.monotonic() - begun < 2
    assert answer.status_code == 302
    assert GradingJob.objects.filter(state="queued").count() == 1


def test_no_page_of_health_waits_either(hung: None, client: Client, admin: User) -> None:
    client.force_login(admin, backend="gradingsite.accounts.EmailBackend")
    for address in ("/healthz", "/readyz", reverse("grading:health")):
        begun = time.monotonic()
        client.get(address)
        assert time.monotonic() - begun < 2.5, address
