from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from courses.signals import submission_ready
from grading import receivers, runtime_pulse
from grading.models import GradeState, GradingJob, JobState, Worker, WorkerKind
from grading.services.jobs import jobs_claim
from grading.services.upkeep import sweep
from grading.services.workers import worker_gone, worker_seen
from tests.grading.factories import make_assignment, make_grade, make_run, make_submission

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch):
    """Names of the tasks that would have been sent."""
    names: list[str] = []
    monkeypatch.setattr("grading.tasks.send_on_commit", lambda task, *args: names.append(task.name.split(".")[-1]))
    return names


def test_the_sweep_wakes_workers_for_what_is_queued(sent):
    assignment = make_assignment()
    make_run(assignment, [make_submission(assignment)])
    sweep()
    assert sent == ["mark_next"]


def test_the_sweep_sends_nothing_where_nothing_waits(sent):
    sweep()
    assert sent == []


def test_the_sweep_takes_back_what_a_lost_worker_held(sent):
    assignment = make_assignment()
    run = make_run(assignment, [make_submission(assignment)])
    jobs_claim(worker="w", limit=1)
    GradingJob.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=2))
    sweep()
    assert run.jobs.get().state == JobState.QUEUED
    assert sent == ["mark_next"]


def test_the_sweep_sends_mails_that_were_left_behind(sent):
    make_grade(state="released", points=1, released_at=timezone.now())
    sweep()
    assert sent == ["mail_released"]


def test_workers_come_and_go_and_are_forgotten_after_a_day():
    worker_seen(name="one", kind=WorkerKind.MARKING, device="cpu")
    worker_seen(name="one", kind=WorkerKind.MARKING, device="cuda:0")
    worker_seen(name="two", kind=WorkerKind.TRAINING)
    assert Worker.objects.get(name="one").device == "cuda:0"
    Worker.objects.filter(name="one").update(seen_at=timezone.now() - timedelta(days=2))
    sweep()
    worker_gone(name="two")
    assert not Worker.objects.exists()


def test_an_answer_that_replaces_another_ends_its_marking():
    first = make_submission(state="superseded")
    run = make_run(first.assignment, [first])
    proposal = make_grade(first)
    second = make_submission(first.assignment, student=first.student)
    submission_ready.send(sender=type(second), submission=second)
    assert run.jobs.get().error_code == "submission_replaced"
    proposal.refresh_from_db()
    assert proposal.state == GradeState.SUPERSEDED


def test_a_worker_knows_its_kind_from_its_queues(monkeypatch):
    from celery import current_app

    assert receivers
    queues = current_app.amqp.queues
    monkeypatch.setattr(type(queues), "consume_from", {"training": None}, raising=False)
    assert runtime_pulse.kind_of_process() == WorkerKind.TRAINING
    monkeypatch.setattr(type(queues), "consume_from", {"default": None}, raising=False)
    assert runtime_pulse.kind_of_process() == WorkerKind.DEFAULT
    monkeypatch.setenv("MARGINALIA_WORKER_KIND", "marking")
    assert runtime_pulse.kind_of_process() == WorkerKind.MARKING


def test_an_act_counts_even_when_the_broker_is_away(django_capture_on_commit_callbacks, caplog):
    from grading import tasks

    with django_capture_on_commit_callbacks(execute=True):
        tasks.wake_marking()
