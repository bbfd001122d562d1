"""Training through a real worker, from the form's service to a candidate version; also when the worker is killed."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import psutil
import pytest
from django.contrib.auth.models import User

from grading.models import ModelVersion, TrainingRun, TrainingSet, TrainingState
from grading.services import training_run_cancel, training_run_start, training_set_upload
from grading.services.training import training_directory
from grading.services.upkeep import sweep
from grading.services.versions import version_directory
from mlcore.manifest import read_manifest
from tests.faults.conftest import Workers, until
from tests.grading.factories import make_user, make_version

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

CHILD = "grading.runtime_child"


@pytest.fixture
def admin(workers: Workers) -> User:
    return make_user("admin", is_staff=True)


@pytest.fixture
def training_set(admin: User) -> TrainingSet:
    rows = [
        {
            "id": str(number),
            "question_id": f"q{number % 5}",
            "question": f"Why does bulb {number % 5} go out?",
            "reference_answer": "The gap opens the circuit.",
            "answer": f"Because of gap {number}." if number % 2 else f"I do not know {number}.",
            "score": number % 2,
            "feedback": "Right." if number % 2 else "Think of the gap.",
        }
        for number in range(40)
    ]
    data = "\n".join(map(json.dumps, rows)).encode()
    return training_set_upload(by=admin, name="Bulbs", licence="made up", data=data)


def start(admin: User, training_set: TrainingSet, *, epochs: float) -> TrainingRun:
    return training_run_start(
        by=admin,
        request_key=uuid.uuid4(),
        courses=[],
        training_sets=[training_set],
        parts=["scorer"],
        method="lora",
        rank=2,
        learning_rate=1e-3,
        epochs=epochs,
    )


def reread(run: TrainingRun) -> TrainingRun:
    """The run, after what beat does every few seconds."""
    sweep()
    return TrainingRun.objects.get(pk=run.pk)


def ended(run: TrainingRun) -> TrainingRun:
    over = {TrainingState.SUCCEEDED, TrainingState.FAILED, TrainingState.CANCELLED}
    until(lambda: reread(run).state in over, "the training run ends", seconds=600)
    run = reread(run)
    log = training_directory(run) / "log.txt"
    assert run.state != TrainingState.FAILED, run.error_detail + (log.read_text() if log.exists() else "")
    return run


def test_a_training_run_becomes_a_candidate_measured_beside_the_version_in_use(
    admin: User, training_set: TrainingSet, workers: Workers, tiny_adapter: Path
) -> None:
    in_use = make_version(directory=tiny_adapter, name="in use")
    run = start(admin, training_set, epochs=1)
    workers.start("training")
    run = ended(run)
    assert (run.state, run.attempt, run.version.state) == (TrainingState.SUCCEEDED, 1, "candidate")
    evaluation = run.version.evaluation
    assert evaluation["n"] == run.run_examples.filter(split="held_out").count() == evaluation["in_use"]["n"]
    assert evaluation["candidate"]["rmse_percent"] is not None
    assert evaluation["beside"]["n"] == evaluation["n"]
    assert evaluation["beside"]["questions"][0]["question"]
    assert (evaluation["in_use_name"], evaluation["split_by"]) == (in_use.name, "question")
    manifest = read_manifest(version_directory(run.version))
    assert set(manifest.parts) == {"scorer", "feedback"}, "what was not trained is carried over from the version in use"
    assert manifest.licences == ("Bulbs: made up",)
    assert run.points.filter(stage="scorer", train_loss__isnull=False).exists()
    assert not list(training_directory(run).glob("trained*")), "nothing is left lying about"


def test_a_killed_training_worker_takes_its_training_along_and_the_next_one_resumes(
    admin: User, training_set: TrainingSet, workers: Workers
) -> None:
    run = start(admin, training_set, epochs=60)
    first = workers.start("training")
    until(lambda: reread(run).step >= 3, "the training has begun")
    (child,) = workers.kill(first, but=CHILD)
    psutil.wait_procs([child], timeout=20)
    assert not child.is_running(), "a training whose worker is gone ends by itself"
    workers.start("training")
    until(lambda: reread(run).attempt == 2, "the next worker takes the run up")
    run = ended(run)
    assert (run.state, run.attempt) == (TrainingState.SUCCEEDED, 2)
    assert ModelVersion.objects.count() == 1


def test_a_running_training_is_cancelled(admin: User, training_set: TrainingSet, workers: Workers) -> None:
    run = start(admin, training_set, epochs=2000)
    worker = workers.start("training")
    until(lambda: reread(run).step >= 2, "the training has begun")
    training_run_cancel(run=run, by=admin)
    run = ended(run)
    assert run.state == TrainingState.CANCELLED
    assert not ModelVersion.objects.exists()
    until(lambda: not _children(worker.pid), "the training process is gone")


def _children(pid: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(pid).children(recursive=True) if CHILD in " ".join(child.cmdline())]
