"""What a run's page says while it is marked: by a real engine, as its worker tells it, and never more than is true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from courses.models import Role
from grading import runtime, runtime_pulse, runtime_report
from grading.models import Grade, GradingRun, JobState, RunReport, Worker
from grading.services import RunProgress, grading_run_cancel, grading_run_retry_failed, run_progress
from grading.services.jobs import jobs_release_stale
from mlcore.engine import Engine
from mlcore.schemas import MarkProgress
from tests.grading.factories import make_assignment, make_run, make_submission, make_version

pytestmark = pytest.mark.django_db(transaction=True)

Look = Callable[[MarkProgress], None]


@pytest.fixture(autouse=True)
def fresh_process(settings: Any, tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.MARGINALIA_BASE_DIR = tiny_base
    settings.HEARTBEAT_SECONDS = 0.05
    settings.MARKING_SLICE_SECONDS = 600
    monkeypatch.setattr(runtime_report, "SECONDS", 0.0)
    runtime._marker = None
    yield
    runtime_pulse.stop()
    runtime._marker = None


@pytest.fixture
def version(tiny_adapter: Path):
    return make_version(directory=tiny_adapter, name="tiny")


def a_run(number: int, **fields: Any) -> GradingRun:
    assignment = make_assignment(criteria=(2, 2))
    texts = [f"The gap {'opens ' * (place % 3 + 1)} circuit {place}." for place in range(number)]
    return make_run(assignment, [make_submission(assignment, text) for text in texts], **fields)


def looking(look: Look) -> None:
    """Load the real engine, and look whenever it has told how far it is."""
    engine = Engine(runtime.base_config())
    marked = engine.mark

    def mark(*arguments: Any, on_work: Look, **named: Any) -> Any:
        def told(progress: MarkProgress) -> None:
            on_work(progress)
            look(progress)

        look(MarkProgress())
        return marked(*arguments, on_work=told, **named)

    engine.mark = mark  # type: ignore[method-assign]
    runtime.marker().engine = engine


def test_it_counts_each_answer_scored_and_each_text_written(version):
    run = a_run(12)
    seen: list[RunProgress] = []
    looking(lambda told: seen.append(run_progress(run)))
    runtime.mark_queued()
    assert {progress.written for progress in seen} == set(range(13)), "no text is left out"
    for name in ("scored", "written", "steps_done", "done"):
        values = [getattr(progress, name) for progress in seen]
        assert values == sorted(values), f"{name} never goes back"
    assert {progress.doing for progress in seen} == {("scoring",), ("writing",)}
    assert any(progress.scored == 8 and progress.done == 0 for progress in seen)
    end = run_progress(run)
    assert (end.scored, end.written, end.done, end.doing) == (12, 12, 12, ())
    assert end.steps_done == end.steps == 24


def test_it_says_how_long_the_rest_takes_once_texts_are_under_way(version):
    run = a_run(16)
    seen: list[RunProgress] = []
    looking(lambda told: seen.append(run_progress(run)))
    runtime.mark_queued()
    writing = [progress for progress in seen if progress.written]
    assert all(progress.seconds_left is not None and progress.rate_per_minute for progress in writing)
    assert seen[0].seconds_left is None
    assert run_progress(run).seconds_left is None, "a run that is over has no time left"


def test_without_feedback_only_points_are_counted(version):
    run = a_run(3, with_feedback=False)
    runtime.mark_queued()
    progress = run_progress(run)
    assert (progress.scored, progress.written, progress.steps, progress.steps_done) == (3, 0, 3, 3)


def test_a_blank_answer_counts_at_once_and_a_bad_one_like_the_others(version):
    assignment = make_assignment()
    run = make_run(assignment, [make_submission(assignment, text) for text in (" ", "poison", "The gap.", "A lamp.")])
    seen: list[RunProgress] = []
    looking(lambda told: seen.append(run_progress(run)))
    watched = runtime.marker().engine.mark

    def poisoned(question: Any, answers: Any, **named: Any) -> Any:
        if any(answer.text == "poison" for answer in answers):
            raise ValueError("cannot read this")
        return watched(question, answers, **named)

    runtime.marker().engine.mark = poisoned
    runtime.mark_queued()
    progress = run_progress(run)
    assert (progress.done, progress.failed, progress.scored, progress.written) == (3, 1, 3, 3)
    assert seen[0].scored == 1


def test_a_worker_writes_at_most_about_once_a_second(version, monkeypatch):
    monkeypatch.setattr(runtime_report, "SECONDS", 1.0)
    run = a_run(8)
    begun = timezone.now()
    with CaptureQueriesContext(connection) as queries:
        runtime.mark_queued()
    seconds = (timezone.now() - begun).total_seconds()
    told = [entry["sql"] for entry in queries if 'UPDATE "grading_runreport"' in entry["sql"]]
    # One at the beginning of the batch and one at its end beside those of each second.
    assert 2 <= len(told) <= 3 + seconds
    assert run_progress(run).done == 8


def test_what_a_cancelled_batch_told_does_not_count(version, teacher):
    run = a_run(8)
    seen: list[RunProgress] = []

    def cancel(told: MarkProgress) -> None:
        if told.written >= 3:
            grading_run_cancel(run=run, by=teacher)
            seen.append(run_progress(run))

    looking(cancel)
    runtime.mark_queued()
    assert {(progress.scored, progress.written, progress.doing) for progress in seen} == {(0, 0, ())}
    assert not Grade.objects.exists()


def test_what_a_lost_worker_told_does_not_count(version, settings):
    run = a_run(8)
    seen: list[RunProgress] = []

    def lose(told: MarkProgress) -> None:
        if told.written >= 3 and not seen:
            run.jobs.update(heartbeat_at=timezone.now() - timedelta(hours=1))
            jobs_release_stale()
            seen.append(run_progress(run))

    looking(lose)
    runtime.mark_queued()
    assert (seen[0].scored, seen[0].written, seen[0].queued) == (0, 0, 8)
    assert run_progress(run).done == 8, "it was taken again"


def test_marking_goes_on_where_nothing_can_be_told(version):
    run = a_run(4)
    looking(lambda told: RunReport.objects.all().delete())
    runtime.mark_queued()
    assert run_progress(run).done == 4


def test_what_is_tried_again_later_is_timed_anew(version, teacher):
    run = a_run(2)
    runtime.mark_queued()
    assert run.reports.exists()
    run.jobs.update(state=JobState.FAILED)
    grading_run_retry_failed(run=run, by=teacher)
    assert not run.reports.exists()


def test_while_the_model_is_loaded_the_page_says_so(version, client: Client, monkeypatch):
    run = a_run(2)
    client.force_login(run.assignment.course.memberships.filter(role=Role.TEACHER).first().user)
    seen: list[tuple[RunProgress, str]] = []
    page = reverse("grading:run_progress", args=[run.pk])

    def load(base: Any, **settings: Any) -> Engine:
        seen.append((run_progress(run), client.get(page).content.decode()))
        return Engine(base, **settings)

    monkeypatch.setattr(runtime, "Engine", load)
    runtime.mark_queued()
    progress, html = seen[0]
    assert (progress.doing, progress.seconds_left) == (("loading",), None)
    assert "loading the model" in html
    assert Worker.objects.get().loading_since is None
    assert "loading the model" not in client.get(page).content.decode()


def test_the_page_shows_points_feedback_and_time(version, client: Client, teacher: User):
    run = a_run(4)
    client.force_login(run.assignment.course.memberships.filter(role=Role.TEACHER).first().user)
    now = timezone.now()
    Worker.objects.create(name="w", kind="marking", started_at=now, seen_at=now)
    run.jobs.update(state=JobState.RUNNING, worker="w", attempt=1, heartbeat_at=now)
    report = {"scored": 4, "scoring_seconds": 10.0, "written": 1.0, "writing_seconds": 100.0}
    RunReport.objects.create(
        run=run, worker="w", began_at=now, told_at=now, batch=4, batch_scored=4, batch_written=1.5, **report
    )
    html = " ".join(client.get(reverse("grading:run", args=[run.pk])).content.decode().split())
    assert "<dd>4 of 4</dd>" in html
    assert "<dd>1 of 4</dd>" in html
    assert "writing feedback" in html
    assert "about 4 minutes" in html
