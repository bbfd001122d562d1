"""kill -9 of the training worker at random moments; `make kills KILLS=20 SEED=1` does it more often."""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from grading.models import ModelVersion, TrainingRun, TrainingSet, TrainingState
from grading.services.training import result_name, training_directory
from grading.services.versions import version_directory
from mlcore.manifest import read_manifest
from tests.faults.conftest import Workers, until
from tests.faults.test_training_worker import admin, reread, start, training_set
from tests.grading.factories import make_version

__all__ = ["admin", "training_set"]

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True), pytest.mark.timeout(3600)]

KILLS, SEED = int(os.environ.get("KILLS", "1")), int(os.environ.get("SEED", "1"))
OVER = {TrainingState.SUCCEEDED, TrainingState.FAILED, TrainingState.CANCELLED}


def test_every_killed_training_ends_in_a_clear_state_and_no_version_is_half_registered(
    admin: User, training_set: TrainingSet, workers: Workers, tiny_adapter: Path, versions_dir: Path
) -> None:
    in_use = make_version(directory=tiny_adapter, name="in use")
    chance = random.Random(SEED)
    stages: dict[str, int] = {}
    worker = workers.start("training")
    for number in range(KILLS):
        run = start(admin, training_set, epochs=6)
        until(lambda run=run: reread(run).state != TrainingState.QUEUED, "a worker takes the run")
        wait_for_a_moment(run, chance)
        run = TrainingRun.objects.get(pk=run.pk)
        stages[run.state] = stages.get(run.state, 0) + 1
        workers.kill(worker)
        worker = workers.start("training")
        until(lambda run=run: reread(run).state in OVER, f"run {number} ends", seconds=600)
        check(TrainingRun.objects.get(pk=run.pk), in_use)
    succeeded = TrainingRun.objects.filter(state=TrainingState.SUCCEEDED).count()
    half = len(list(versions_dir.glob(".*"))) + len(list(versions_dir.glob("*.partial")))
    said = f"{succeeded} succeeded, {KILLS - succeeded} failed in words, {half} half registered"
    sys.stdout.write(f"\n{KILLS} kills ({stages}), {said}\n")
    assert half == 0


def wait_for_a_moment(run: TrainingRun, chance: random.Random) -> None:
    """A moment by chance: before its process has loaded torch, in a step, or while the result is measured."""
    part = chance.choice(["before", "training", "measuring"])
    step = chance.randint(1, 12)
    if part == "training":
        until(lambda: reread(run).step >= step or reread(run).state in OVER, "the training is under way")
    elif part == "measuring":
        measured = {TrainingState.EVALUATING, *OVER}
        until(lambda: reread(run).state in measured, "the result is measured")
    time.sleep(chance.uniform(0.0, 3.0))


def check(run: TrainingRun, in_use: ModelVersion) -> None:
    assert ModelVersion.objects.in_use() == in_use, "the version in use never changes by accident"
    if run.state == TrainingState.SUCCEEDED:
        assert run.version is not None
        read_manifest(version_directory(run.version))
        assert not list(training_directory(run).glob("trained*")), "nothing is left lying about"
    else:
        assert run.state == TrainingState.FAILED
        assert run.error_code, "a failed run says why"
        assert not ModelVersion.objects.filter(name=result_name(run)).exists()


@pytest.fixture
def versions_dir(workers: Workers, settings: object) -> Path:
    return Path(settings.MARGINALIA_VERSIONS_DIR)  # type: ignore[attr-defined]
