"""Marking in this process, with a real engine on a checkpoint of random weights."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import torch

from grading import runtime, runtime_pulse
from grading.exceptions import message_for
from grading.models import Grade, GradingRun, JobState, Pilot, ShadowMark, Worker
from grading.services import (
    grading_run_cancel,
    grading_run_start,
    pilot_start,
    run_progress,
    trial_start,
    version_shadow_start,
)
from grading.services.jobs import jobs_release_stale
from grading.services.versions import version_promote, version_register
from mlcore import engine as engine_module
from mlcore.engine import Engine
from mlcore.screening import screen
from tests.grading.factories import make_assignment, make_run, make_submission, make_version
from tests.mlcore.conftest import make_tiny_adapter

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fresh_process(settings: Any, tiny_base: Path) -> Iterator[None]:
    """Each test is a worker that has just been started."""
    settings.MARGINALIA_BASE_DIR = tiny_base
    settings.HEARTBEAT_SECONDS = 0.05
    settings.MARKING_SLICE_SECONDS = 600  # the machine may be busy
    runtime._marker = None
    yield
    runtime_pulse.stop()
    runtime_pulse.stopping.clear()
    runtime._marker = None


@pytest.fixture
def version(tiny_adapter: Path):
    return make_version(directory=tiny_adapter, name="tiny")


def a_run(*texts: str, **fields: Any) -> GradingRun:
    assignment = make_assignment(criteria=(2, 2))
    return make_run(assignment, [make_submission(assignment, text) for text in texts], **fields)


def outcome(run: GradingRun) -> dict[str, int]:
    progress = run_progress(run)
    return {name: getattr(progress, name) for name in ("done", "failed", "queued", "cancelled")}


def with_engine(change: Callable[[Any, Any], None]) -> None:
    """Load the real engine, and let `change(question answers)` disturb it before each call."""
    engine = Engine(runtime.base_config())
    marked = engine.mark

    def mark(question: Any, answers: Any, **arguments: Any) -> Any:
        change(answers, arguments)
        return marked(question, answers, **arguments)

    engine.mark = mark  # type: ignore[method-assign]
    runtime.marker().engine = engine


def test_it_marks_what_is_queued_and_names_the_version(version):
    run = a_run("The gap opens the circuit.", "The lamp is broken.", "Because of the gap.")
    runtime.mark_queued()
    assert outcome(run) == {"done": 3, "failed": 0, "queued": 0, "cancelled": 0}
    for grade in Grade.objects.all():
        assert grade.version == version
        assert 0 <= grade.proposed_points <= 4
        assert sum(score.proposed_points for score in grade.criterion_scores.all()) == grade.proposed_points
        assert grade.notes == []


def test_blank_answers_are_not_sent_to_the_model(version):
    run = a_run("  \n\u200b\t")
    runtime.mark_queued()
    assert outcome(run)["done"] == 1
    grade = Grade.objects.get()
    assert (grade.source, grade.proposed_points, grade.notes) == ("rule", 0, ["blank"])
    assert grade.feedback.text
    assert runtime.marker().engine is None, "no model was needed"


def test_an_answer_that_was_cut_says_so(version, settings):
    a_run(" ".join(f"gap{i}" for i in range(3000)))
    runtime.mark_queued()
    grade = Grade.objects.get()
    assert "cut" in grade.notes
    assert grade.unread_characters > 0


def test_a_damaged_version_fails_its_jobs_in_words_and_others_go_on(version, versions_dir, tiny_base):
    broken = make_tiny_adapter(tiny_base, versions_dir / "broken", seed=1)
    (broken / "scorer.safetensors").write_bytes(b"nothing")
    bad = a_run("one", "two", version=make_version("retired", directory=broken))
    missing = a_run("three", version=make_version("retired", directory=versions_dir / "gone"))
    good = a_run("four", version=version)
    runtime.mark_queued()
    assert [outcome(run)["failed"] for run in (bad, missing)] == [2, 1]
    assert outcome(good)["done"] == 1
    job = bad.jobs.first()
    assert (job.error_code, job.attempt) == ("adapter_unreadable", 1)
    assert "missing or damaged" in message_for(job.error_code)
    assert "scorer.safetensors" in job.error_detail


def test_without_a_base_model_jobs_wait_for_the_next_try_and_fail_after_three(version, settings, tmp_path):
    settings.MARGINALIA_BASE_DIR = tmp_path / "no-model"
    run = a_run("one", " ")
    for waiting in (1, 1, 0):
        runtime.mark_queued()
        assert outcome(run)["queued"] == waiting
    job = run.jobs.get(state=JobState.FAILED)
    assert job.error_code == "base_unreadable"
    assert outcome(run)["done"] == 1, "the blank answer needs no model"


def test_one_bad_answer_fails_alone(version):
    def fail_on_poison(answers: Any, arguments: Any) -> None:
        if any("poison" in answer.text for answer in answers):
            raise ValueError("cannot read this")

    with_engine(fail_on_poison)
    run = a_run("one", "poison", "three", "four")
    runtime.mark_queued()
    assert outcome(run) == {"done": 3, "failed": 1, "queued": 0, "cancelled": 0}
    job = run.jobs.get(state=JobState.FAILED)
    assert (job.attempt, job.error_code) == (3, "model_failed")
    assert "cannot read this" in job.error_detail


def test_an_answer_that_is_too_slow_to_check_fails_alone_and_no_lease_is_lost(version, settings, monkeypatch):
    settings.LEASE_SECONDS = 2
    slow, stale = re.compile(r"(?:a+)+$"), []

    def check(question: Any, text: str) -> Any:
        if "slow" in text:
            slow.match("a" * 60 + "!")  # holds the interpreter, as any pattern does
        stale.append(jobs_release_stale())
        return screen(question, text)

    monkeypatch.setattr(engine_module, "screen", check)
    runtime.marker().engine = Engine(runtime.base_config(), text_seconds=0.5)
    run = a_run("one", "slow", "three", "four")
    runtime.mark_queued()
    assert outcome(run) == {"done": 3, "failed": 1, "queued": 0, "cancelled": 0}
    job = run.jobs.get(state=JobState.FAILED)
    assert (job.attempt, job.error_code) == (1, "answer_too_slow"), "trying again would be as slow"
    assert "mark it by hand" in message_for(job.error_code)
    assert set(stale) == {0}


def test_too_little_memory_makes_batches_smaller(version):
    sizes: list[int] = []

    def small_card(answers: Any, arguments: Any) -> None:
        sizes.append(len(answers))
        if len(answers) > 2:
            raise torch.OutOfMemoryError("card is full")

    with_engine(small_card)
    run = a_run(*(f"answer {i}" for i in range(8)))
    runtime.mark_queued()
    assert outcome(run)["done"] == 8
    assert sizes == [8, 4, 2, 2, 4, 2, 2]
    assert runtime.marker().limit == 2


def test_a_cancelled_run_is_left_in_the_middle_of_a_batch(version, teacher):
    run = a_run("one", "two", "three")

    def cancel(answers: Any, arguments: Any) -> None:
        grading_run_cancel(run=run, by=teacher)
        time.sleep(0.5)  # several heartbeats

    with_engine(cancel)
    runtime.mark_queued()
    assert outcome(run) == {"done": 0, "failed": 0, "queued": 0, "cancelled": 3}
    assert not Grade.objects.exists()


def test_a_worker_that_is_told_to_stop_finishes_its_batch_and_takes_no_other(version, settings):
    settings.MARKING_BATCH_SIZE = 2
    run = a_run("one", "two", "three")
    with_engine(lambda answers, arguments: runtime_pulse.stopping.set())
    runtime.mark_queued()
    assert (outcome(run)["done"], outcome(run)["queued"]) == (2, 1)


def test_a_worker_that_is_told_to_stop_gives_a_batch_back_that_takes_too_long(version, settings):
    settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 0.1

    def stop(answers: Any, arguments: Any) -> None:
        runtime_pulse.stopping.set()
        time.sleep(0.2)

    run = a_run("one", "two")
    with_engine(stop)
    runtime.mark_queued()
    assert outcome(run)["queued"] == 2
    assert {job.attempt for job in run.jobs.all()} == {0}


def test_the_lease_is_renewed_while_the_model_is_busy(version, settings):
    settings.LEASE_SECONDS = 0.3
    stale: list[int] = []

    def slow(answers: Any, arguments: Any) -> None:
        time.sleep(1.0)
        stale.append(jobs_release_stale())

    with_engine(slow)
    run = a_run("one")
    runtime.mark_queued()
    assert (stale, outcome(run)["done"]) == ([0], 1)


def test_after_its_slice_of_time_a_worker_lets_others_have_a_turn(version, settings):
    settings.MARKING_SLICE_SECONDS = 0
    settings.MARKING_BATCH_SIZE = 1
    run = a_run("one", "two")
    runtime.mark_queued()
    assert outcome(run) == {"done": 1, "failed": 0, "queued": 1, "cancelled": 0}


def test_what_is_left_after_the_first_batch_wakes_a_second_worker_once(version, settings, monkeypatch):
    settings.MARKING_BATCH_SIZE = 1
    woken: list[str] = []
    a_run("one", "two", "three")
    monkeypatch.setattr(runtime.tasks, "wake_marking", lambda: woken.append("a worker"))
    runtime.mark_queued()
    assert len(woken) == 1
    runtime.mark_queued()
    assert len(woken) == 1, "nothing was left"


def test_the_next_run_marks_with_the_version_that_was_promoted(version, versions_dir, tiny_base, teacher):
    assignment = make_assignment()
    make_submission(assignment, "The gap opens the circuit.")
    grading_run_start(assignment=assignment, by=teacher, scope="all")
    runtime.mark_queued()
    engine = runtime.marker().engine
    other = version_register(directory=make_tiny_adapter(tiny_base, versions_dir / "other", seed=7))
    version_promote(version=other, by=teacher, note="Tried here.")
    grading_run_start(assignment=assignment, by=teacher, scope="all")
    runtime.mark_queued()
    old, new = Grade.objects.order_by("pk")
    assert (old.version, new.version) == (version, other)
    assert old.proposed_score != new.proposed_score
    assert runtime.marker().engine is engine, "the base was not loaded again"


def test_the_worker_row_tells_device_and_version(version):
    run = a_run("one")
    runtime.mark_queued()
    time.sleep(0.3)
    worker = Worker.objects.get()
    assert (worker.kind, worker.device) == ("marking", "cpu")
    assert (worker.version_name, worker.base_name) == ("tiny", "tiny-llama")
    assert run_progress(run).worker_listening
    runtime_pulse.stop()
    assert not Worker.objects.exists()


def test_warming_up_loads_the_version_in_use(version):
    runtime.warm_up()
    assert runtime.marker().engine.version == Path(version.directory)


def test_warming_up_without_a_model_is_no_error(settings, tmp_path):
    make_version(directory=tmp_path / "gone")
    runtime.warm_up()


def test_a_pilot_is_marked_with_points_for_each_criterion_and_feedback(version, teacher):
    assignment = make_assignment(criteria=(2, 2))
    for text in ("The gap opens the circuit.", "The lamp is broken.", " "):
        make_submission(assignment, text)
    pilot_start(assignment=assignment, by=teacher)
    runtime.mark_queued()
    pilot = Pilot.objects.get()
    assert pilot.state == "done"
    for paper in pilot.papers.all():
        assert sum(Decimal(points) for points in paper.criteria) == paper.points
    assert all(paper.feedback for paper in pilot.papers.all())
    assert not Grade.objects.exists()


def test_a_pilot_with_a_damaged_version_fails_in_words(versions_dir, teacher):
    make_version(directory=versions_dir / "gone")
    assignment = make_assignment()
    make_submission(assignment)
    pilot_start(assignment=assignment, by=teacher)
    runtime.mark_queued()
    pilot = Pilot.objects.get()
    assert (pilot.state, pilot.error_code) == ("failed", "adapter_unreadable")
    assert message_for(pilot.error_code)


def test_a_typed_answer_is_marked_by_the_version_and_the_one_in_use(version, admin, tiny_base, tmp_path):
    other = make_tiny_adapter(tiny_base, tmp_path / "other", seed=7)
    candidate = make_version("candidate", directory=other, name="candidate")
    trial = trial_start(
        version=candidate,
        by=admin,
        question="Why?",
        reference_answer="The gap.",
        answer="A gap.",
        max_points=Decimal(4),
    )
    runtime.mark_queued()
    trial.refresh_from_db()
    assert trial.state == "done"
    assert list(trial.results) == ["candidate", "tiny"]
    assert all(0 <= found["points"] <= 4 for found in trial.results.values())
    assert trial.results["candidate"]["score"] != trial.results["tiny"]["score"]


def test_a_trial_of_a_version_without_files_fails_in_words(admin):
    version = make_version("candidate", directory="nowhere")
    trial = trial_start(
        version=version, by=admin, question="Why?", reference_answer="", answer="A gap.", max_points=Decimal(4)
    )
    runtime.mark_queued()
    trial.refresh_from_db()
    assert (trial.state, message_for(trial.error_code) != "") == ("failed", True)


def test_a_candidate_in_shadow_mode_marks_after_the_run_and_writes_no_grade(version, admin, tiny_base, tmp_path):
    other = make_tiny_adapter(tiny_base, tmp_path / "other", seed=7)
    candidate = make_version("candidate", directory=other, name="candidate")
    version_shadow_start(version=candidate, by=admin)
    run = a_run("The gap opens it.", "No idea.", " ")
    runtime.mark_queued()
    assert outcome(run)["done"] == 3
    marks = ShadowMark.objects.filter(version=candidate)
    proposed = dict(Grade.objects.values_list("submission", "proposed_score"))
    written = [mark for mark in marks if mark.submission.text.strip()]
    assert len(written) == 2
    assert Grade.objects.count() == 3
    assert all(grade.version == version for grade in Grade.objects.exclude(version=None))
    assert any(mark.score != proposed[mark.submission_id] for mark in written)


def test_a_shadow_candidate_that_cannot_mark_stops_nothing(version, admin):
    candidate = make_version("candidate", directory="nowhere", name="broken")
    version_shadow_start(version=candidate, by=admin)
    run = a_run("The gap opens it.")
    runtime.mark_queued()
    assert outcome(run)["done"] == 1
    assert list(ShadowMark.objects.values_list("version", "score")) == [(candidate.pk, None)]
