"""A run is marked in one dtype from its first answer to its last, whoever marks it: the same answer, the same mark."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from django.urls import reverse
from django.utils import timezone

from grading import runtime, runtime_pulse
from grading.health_report import report
from grading.models import Grade, GradingJob, GradingRun, JobState, Worker, WorkerKind
from grading.services.jobs import jobs_claim
from grading.services.workers import worker_seen
from mlcore.dtypes import Offer, computable
from tests.grading.factories import make_assignment, make_run, make_submission, make_version

pytestmark = pytest.mark.django_db(transaction=True)

BOTH = ("float32", "bfloat16")
SAME = "The gap opens the circuit, so no current flows and the lamp goes out."


@pytest.fixture(autouse=True)
def fresh_process(settings: Any, tiny_base: Path) -> Iterator[None]:
    settings.MARGINALIA_BASE_DIR = tiny_base
    settings.HEARTBEAT_SECONDS = 0.05
    settings.MARKING_SLICE_SECONDS = 600
    yield
    restart()


def restart() -> None:
    runtime_pulse.stop()
    runtime_pulse.stopping.clear()
    runtime._marker = None


def a_run(*texts: str, **fields: Any) -> GradingRun:
    assignment = make_assignment()
    return make_run(
        assignment, [make_submission(assignment, text) for text in texts or ("one", "two", "three")], **fields
    )


def dtype_of(run: GradingRun) -> str:
    return GradingRun.objects.values_list("compute_dtype", flat=True).get(pk=run.pk)


def machine_that_takes(monkeypatch: pytest.MonkeyPatch, own: str, *known: str) -> None:
    monkeypatch.setattr(runtime, "offer", lambda base: Offer(own, known or BOTH, "float32 5.0 ms, bfloat16 2.0 ms"))


def test_the_first_worker_gives_a_run_its_dtype() -> None:
    run = a_run()
    assert dtype_of(run) == ""
    claim = jobs_claim(worker="w", limit=1, dtypes=("bfloat16", "float32"))
    assert claim is not None
    assert (claim.compute_dtype, dtype_of(run)) == ("bfloat16", "bfloat16")


def test_a_second_worker_takes_the_run_s_and_not_its_own() -> None:
    run = a_run()
    jobs_claim(worker="first", limit=1, dtypes=("bfloat16", "float32"))
    claim = jobs_claim(worker="second", limit=1, dtypes=("float32", "bfloat16"))
    assert claim is not None
    assert (claim.compute_dtype, dtype_of(run)) == ("bfloat16", "bfloat16")


def test_a_worker_leaves_what_it_cannot_multiply_and_takes_another_run() -> None:
    a_run(compute_dtype="float16")
    other = a_run()
    claim = jobs_claim(worker="w", limit=9, dtypes=BOTH)
    assert claim is not None
    assert claim.run_id == other.pk
    assert jobs_claim(worker="w", limit=9, dtypes=BOTH) is None
    assert GradingJob.objects.filter(state=JobState.QUEUED, attempt=0).count() == 3


def test_runs_that_need_no_other_model_in_memory_come_first() -> None:
    older, newer = a_run(compute_dtype="bfloat16"), a_run()
    order = [getattr(jobs_claim(worker="w", limit=9, dtypes=BOTH), "run_id", None) for _ in range(3)]
    assert order == [newer.pk, older.pk, None]


def test_the_same_answer_keeps_its_mark_when_another_machine_goes_on_with_the_run(
    tiny_adapter: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "bfloat16" not in computable(torch.device("cpu")):
        pytest.skip("this CPU cannot multiply in bfloat16")
    make_version(directory=tiny_adapter, name="tiny")
    settings.MARKING_BATCH_SIZE = 1
    run = a_run(SAME, SAME)
    for own in ("bfloat16", "float32"):
        machine_that_takes(monkeypatch, own)
        heart = runtime_pulse.pulse(WorkerKind.MARKING)
        claim = jobs_claim(worker=heart.name, limit=1, dtypes=runtime.marker().dtypes(heart))
        assert claim is not None
        assert runtime.mark_batch(claim, heart)
        assert runtime.marker().engine is not None
        assert runtime.marker().engine.dtype == "bfloat16"
        restart()
    assert dtype_of(run) == "bfloat16"
    assert len({grade.proposed_score for grade in Grade.objects.all()}) == 1
    assert Grade.objects.count() == 2


def test_a_worker_says_in_its_log_what_it_leaves_to_others(
    tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_version(directory=tiny_adapter, name="tiny")
    machine_that_takes(monkeypatch, "float32", "float32")
    run = a_run(compute_dtype="bfloat16")
    with caplog.at_level(logging.WARNING):
        runtime.mark_queued()
    assert f"run {run.pk} was begun in bfloat16, which this machine cannot multiply in" in caplog.text
    assert run.jobs.filter(state=JobState.QUEUED).count() == 3


def test_the_health_page_says_what_a_worker_multiplies_in_and_what_was_measured(
    client: Any, django_user_model: Any
) -> None:
    client.force_login(django_user_model.objects.create_superuser("admin", "admin@example.org", "x"))
    timing = "float32 5.0 ms, bfloat16 2.0 ms"
    worker_seen(name="m", kind="marking", compute_dtype="bfloat16", dtypes="float32,bfloat16", dtype_timing=timing)
    page = client.get(reverse("grading:health")).content.decode()
    assert "bfloat16" in page
    assert f"measured: {timing}" in page


def test_a_run_that_no_worker_can_go_on_with_is_a_trouble_until_one_can() -> None:
    now = timezone.now()
    a_run(compute_dtype="bfloat16")
    assert "out_of_reach" not in {trouble.code for trouble in report().troubles}, "no worker has said what it can"
    Worker.objects.create(name="m", kind="marking", started_at=now, seen_at=now, dtypes="float32")
    (trouble,) = [trouble for trouble in report().troubles if trouble.code == "out_of_reach"]
    assert "bfloat16" in trouble.what
    Worker.objects.create(name="n", kind="marking", started_at=now, seen_at=now, dtypes="float32,bfloat16")
    assert "out_of_reach" not in {trouble.code for trouble in report().troubles}
