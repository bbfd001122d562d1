"""The supervisor as `make run` starts it: the whole site in an empty directory, then Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradingsite import broker
from gradingsite.supervisor import locked

ROOT = Path(__file__).resolve().parents[2]
SUPERVISOR = [sys.executable, "-m", "gradingsite.supervisor"]
pytestmark = [pytest.mark.slow, pytest.mark.faults]


def environment(var: Path, port: int) -> dict[str, str]:
    """An environment without this test run's own settings. The base model is an empty directory: nothing is marked."""
    base = var / "no-model"
    base.mkdir(exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "MARGINALIA_VAR": str(var),
        "MARGINALIA_BASE_DIR": str(base),
        "SAMPLE_COURSE": "0",
        "PORT": str(port),
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.2)


def processes_on(var: Path) -> list[str]:
    """Command lines of the processes that were started for this directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(var).encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return [line for line in found if line]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path, int]]:
    port, log = free_port(), tmp_path / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(SUPERVISOR, cwd=ROOT, env=environment(tmp_path, port), stdout=stream, stderr=stream)
    yield process, log, port
    if process.poll() is None:
        process.kill()
        process.wait()


@pytest.mark.timeout(600)
def test_it_starts_everything_and_ctrl_c_leaves_nothing(running: tuple[subprocess.Popen[bytes], Path, int]) -> None:
    process, log, port = running
    until(lambda: "Marginalia answers at" in log.read_text() or process.poll() is not None, 180)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/accounts/login/", timeout=30) as page:
        assert page.status == 200
    until(lambda: all(f"{name}@" in log.read_text() for name in ("marking", "training", "default")), 180)
    names = "\n".join(processes_on(log.parent))
    for part in ("gunicorn", "--queues marking", "--queues training", "--queues default", " beat "):
        assert part in names
    # The broker writes its title over what /proc shows of its environment; its socket tells of it.
    assert broker.socket_path(log.parent).is_socket()

    second = subprocess.run(
        SUPERVISOR, cwd=ROOT, env=environment(log.parent, port), capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert second.stderr.startswith(f"Marginalia is already running on {log.parent} (process {process.pid}).")

    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0, log.read_text()
    assert processes_on(log.parent) == []
    assert not broker.socket_path(log.parent).exists()
    assert log.read_text().rstrip().endswith("Stopped.")


def test_a_taken_port_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = subprocess.run(
            SUPERVISOR, cwd=ROOT, env=environment(tmp_path, port), capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == (
        f"Port {port} on 127.0.0.1 cannot be used (Address already in use); try PORT={port + 1} make run.\n"
    )


def test_nonsense_in_the_environment_is_told_without_a_traceback(tmp_path: Path) -> None:
    bad = environment(tmp_path, 8000) | {"PORT": "eighty"}
    done = subprocess.run(SUPERVISOR, cwd=ROOT, env=bad, capture_output=True, text=True, check=False)
    assert done.stderr == "PORT is 'eighty'; use a whole number.\n"


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    with locked(tmp_path):
        assert (tmp_path / "run.lock").read_text() == str(os.getpid())
    with (tmp_path / "run.lock").open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
