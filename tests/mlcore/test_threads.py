"""What torch finds when it is loaded: no more threads than there are cores, and in a training threads that wait."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlcore import threads
from mlcore.threads import advice, room, settle, training_environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
LOOK = (
    "import sys; assert 'torch' not in sys.modules; import json, os, torch; "
    "print(json.dumps([torch.get_num_threads(), os.environ.get('OMP_WAIT_POLICY')]))"
)
# The command line and a worker, each as far as the moment before torch is loaded.
COMMAND = (
    f"import runpy, sys, mlcore.cli; mlcore.cli.main = lambda: exec({LOOK!r}); sys.argv = ['mlcore', 'COMMAND']; "
    "runpy.run_module('mlcore', None, '__main__')"
)
WORKER = (
    "import gradingsite.celery as site, django; django.setup(); "
    f"from celery.signals import worker_init; worker_init.send(site.app); {LOOK}"
)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_said", {})
    monkeypatch.setattr(threads, "usable_cores", lambda: 8)
    for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY"):
        # Set and deleted, so that what a test says is taken back after it.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def torch_finds(code: str, cores: set[int], **given: str) -> list[Any]:
    bound = f"import os; os.sched_setaffinity(0, {cores!r}); {code}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **given}
    found = subprocess.run(
        [sys.executable, "-c", bound], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return list(json.loads(found.stdout.splitlines()[-1]))


def test_threads_are_as_many_as_the_cores_and_wait_passively_where_that_is_asked_for() -> None:
    assert advice({}, 4) == {"OMP_NUM_THREADS": "4"}
    assert advice({}, 4, passive=True) == {"OMP_NUM_THREADS": "4", "OMP_WAIT_POLICY": "PASSIVE"}


def test_what_the_user_set_is_left_alone_and_an_empty_value_is_not_set() -> None:
    assert advice({"OMP_NUM_THREADS": "7"}, 4) == {}
    given = {"OMP_WAIT_POLICY": "ACTIVE", "OMP_NUM_THREADS": " "}
    assert advice(given, 4, passive=True) == {"OMP_NUM_THREADS": "4"}


def test_it_is_said_to_this_process_and_its_children() -> None:
    settle()
    settle()
    assert os.environ["OMP_NUM_THREADS"] == "8"
    assert room() is not None


def test_a_number_that_the_user_set_stays_whatever_else_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    settle()
    assert room() is None


@pytest.mark.parametrize(
    ("entry", "policy"),
    [(COMMAND, None), (COMMAND.replace("COMMAND", "train"), "PASSIVE"), (WORKER, None)],
    ids=["command line", "training", "worker"],
)
def test_an_entry_point_says_it_before_torch_is_loaded(entry: str, policy: str | None) -> None:
    core = min(os.sched_getaffinity(0))
    assert torch_finds(entry, {core}) == [1, policy]
    assert torch_finds(entry, {core}, OMP_NUM_THREADS="2", OMP_WAIT_POLICY="ACTIVE") == [2, "ACTIVE"]


def test_a_training_beside_marking_gets_half_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    settle()
    assert training_environment(beside_marking=True)["OMP_NUM_THREADS"] == "4"
    assert training_environment(beside_marking=False)["OMP_NUM_THREADS"] == "8"
    assert training_environment(beside_marking=True)["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setattr(threads, "usable_cores", lambda: 1)
    assert training_environment(beside_marking=True)["OMP_NUM_THREADS"] == "1"


def test_the_user_s_number_of_threads_is_a_training_s_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "6")
    settle()
    assert training_environment(beside_marking=True)["OMP_NUM_THREADS"] == "6"


def test_who_steps_back_has_a_lower_priority_and_so_has_its_session() -> None:
    code = (
        "import os; from mlcore.threads import step_back; step_back(); print(os.nice(0)); "
        "print(open('/proc/self/autogroup').read() if os.path.exists('/proc/self/autogroup') else '')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, start_new_session=True
    )
    nice, *group = run.stdout.split("\n")
    assert int(nice) == min(19, os.nice(0) + threads.STEPS_BACK)
    assert not group[0] or group[0].endswith(f"nice {threads.STEPS_BACK}")
