"""A training's process steps back behind everything that people wait for, and leaves marking half of the cores."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from grading import runtime_training
from grading.models import Worker
from grading.services.workers import marking_beside, worker_seen
from mlcore import threads

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A job that is never read to its end, so that its process waits while it is looked at."""
    os.mkfifo(tmp_path / "job.json")
    return tmp_path / "job.json"


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "usable_cores", lambda: 4)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def environment_of(process: int) -> dict[str, str]:
    ends, entries = time.monotonic() + 20, [""]
    while entries == [""]:  # it is empty for a moment, while the kernel starts the new program
        assert time.monotonic() < ends
        entries = Path(f"/proc/{process}/environ").read_bytes().decode().split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def test_a_marking_worker_of_this_machine_is_known_from_one_of_another() -> None:
    assert not marking_beside()
    worker_seen(name="t", kind="training")
    worker_seen(name="m", kind="marking")
    assert marking_beside()
    Worker.objects.update(machine="another")
    assert not marking_beside()
    Worker.objects.filter(name="m").update(seen_at=timezone.now() - timedelta(hours=1))
    assert not marking_beside()


def test_beside_marking_it_has_half_of_the_cores_and_a_lower_priority(job: Path) -> None:
    worker_seen(name="m", kind="marking")
    with runtime_training._child(job) as child:
        given = environment_of(child.pid)
        assert (given["OMP_NUM_THREADS"], given["OMP_WAIT_POLICY"]) == ("2", "PASSIVE")
        assert os.getsid(child.pid) == child.pid
        wanted, ends = os.nice(0) + threads.STEPS_BACK, time.monotonic() + 60
        while os.getpriority(os.PRIO_PROCESS, child.pid) < min(19, wanted):
            assert child.poll() is None
            assert time.monotonic() < ends, "it never stepped back"
            time.sleep(0.1)
    assert child.poll() is not None


def test_without_marking_on_this_machine_it_has_all_of_them(job: Path) -> None:
    with runtime_training._child(job) as child:
        assert environment_of(child.pid)["OMP_NUM_THREADS"] == "4"
