"""The supervisor with real processes: small Python programs that live, die, and leave children behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradingsite.children import Command, Supervisor

pytestmark = pytest.mark.faults
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def supervisor(lines: list[str]) -> Iterator[Supervisor]:
    found = Supervisor(lines.append)
    yield found
    found.stop_all()


def python(name: str, program: str, *, grace: float = 5.0, last: bool = False) -> Command:
    return Command(name, [sys.executable, "-c", textwrap.dedent(program)], grace=grace, last=last)


def tick_until(supervisor: Supervisor, condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        supervisor.tick(0.05)


def alive(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_it_prefixes_every_line_with_the_childs_name(supervisor: Supervisor, lines: list[str]) -> None:
    supervisor.start(python("talker", "import time; print('one\\ntwo\\nhalf', end='', flush=True); time.sleep(60)"))
    tick_until(supervisor, lambda: len(lines) >= 2)
    assert lines == ["talker   | one", "talker   | two"]
    supervisor.stop_all()
    assert lines[-1] == "talker   | half"


def test_it_starts_a_child_again_that_died_and_waits_longer_each_time(supervisor: Supervisor, lines: list[str]) -> None:
    supervisor.start(python("weak", "print('here'); raise SystemExit(3)"))
    tick_until(supervisor, lambda: lines.count("weak     | here") == 3)
    tick_until(supervisor, lambda: lines[-1].endswith("starts again in 4 s"))
    ends = [line for line in lines if "ended" in line]
    assert [end.rpartition("; ")[2] for end in ends] == [f"it starts again in {n} s" for n in (1, 2, 4)]
    assert "ended with status 3" in ends[0]


def test_it_starts_a_child_again_that_was_killed(supervisor: Supervisor, lines: list[str]) -> None:
    child = supervisor.start(python("victim", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"))
    tick_until(supervisor, lambda: bool(lines))
    assert child.process is not None
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    tick_until(supervisor, lambda: child.process is not None and child.process.pid != first)
    assert not alive(first)


def test_a_program_that_is_not_there_is_reported_and_tried_again(supervisor: Supervisor, lines: list[str]) -> None:
    supervisor.start(Command("nothing", ["/no/such/program"]))
    assert "cannot be started" in lines[0]
    assert "it starts again in 1 s" in lines[0]


def test_a_child_may_finish_when_it_is_stopped(supervisor: Supervisor, lines: list[str]) -> None:
    program = """
        import signal, time
        def finish(*_):
            time.sleep(0.5)
            print('finished', flush=True)
            raise SystemExit
        signal.signal(signal.SIGTERM, finish)
        print('ready', flush=True)
        time.sleep(60)
    """
    supervisor.start(python("polite", program))
    tick_until(supervisor, lambda: bool(lines))
    supervisor.stop_all()
    assert lines == ["polite   | ready", "polite   | finished"]


def test_what_does_not_stop_is_killed_with_all_its_children(supervisor: Supervisor, lines: list[str]) -> None:
    program = """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
        print(child.pid, flush=True)
        time.sleep(60)
    """
    child = supervisor.start(python("deaf", program, grace=0.5))
    tick_until(supervisor, lambda: bool(lines))
    assert child.process is not None
    processes = [child.process.pid, int(lines[0].rpartition("| ")[2])]
    begun = time.monotonic()
    supervisor.stop_all()
    assert time.monotonic() - begun < 30
    # A killed grandchild is nobody's to wait for; on a busy machine it takes a moment to be gone.
    while any(alive(process) for process in processes) and time.monotonic() - begun < 30:
        time.sleep(0.02)
    assert not any(alive(process) for process in processes)


def test_being_asked_once_more_ends_the_waiting(supervisor: Supervisor, lines: list[str]) -> None:
    program = """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print('ready', flush=True)
        time.sleep(600)
    """
    supervisor.start(python("deaf", program, grace=600))
    tick_until(supervisor, lambda: bool(lines))
    threading.Timer(0.5, supervisor.stop).start()
    begun = time.monotonic()
    supervisor.stop_all()
    assert time.monotonic() - begun < 30


def test_the_broker_is_stopped_after_all_others(supervisor: Supervisor, lines: list[str]) -> None:
    program = """
        import signal, time
        def finish(*_):
            time.sleep({wait})
            print('gone', flush=True)
            raise SystemExit
        signal.signal(signal.SIGTERM, finish)
        print('ready', flush=True)
        time.sleep(60)
    """
    supervisor.start(python("broker", program.format(wait=0), last=True))
    supervisor.start(python("worker", program.format(wait=0.5)))
    tick_until(supervisor, lambda: len(lines) == 2)
    supervisor.stop_all()
    assert lines[2:] == ["worker   | gone", "broker   | gone"]


def test_a_supervisor_that_is_killed_outright_leaves_no_child_behind() -> None:
    program = """
        from gradingsite.children import Command, Supervisor
        import sys
        supervisor = Supervisor(print)
        child = supervisor.start(Command('child', [sys.executable, '-c', 'import time; time.sleep(60)']))
        print(child.process.pid, flush=True)
        supervisor.run()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
    end = time.monotonic() + 30
    while alive(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(child)
