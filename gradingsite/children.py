"""Child processes under one roof: started in order, their lines prefixed, restarted when they die, stopped together.

One thread and one selector do it all, so that nothing is shared between threads when a child is forked.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
TICK_SECONDS = 0.2


@dataclass(frozen=True)
class Command:
    """What to run. `last` children, such as a broker, are stopped when all others are gone.

    `grace` is the number of seconds between the polite signal and the rude one.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    grace: float = 10.0
    last: bool = False


@dataclass
class Child:
    command: Command
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    due: float = 0.0  # when to start it again
    rest: bytes = b""  # a line that is not yet complete

    def back_off(self) -> float:
        """Seconds until the next try: 1, 2, 4 … 60; a child that ran for a minute begins anew."""
        self.failures = 1 if time.monotonic() - self.started > 60 else self.failures + 1
        return float(min(60, 2 ** (self.failures - 1)))


def _die_with_parent() -> None:
    """Runs in the child: a supervisor that was killed outright must not leave its children behind."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Supervisor:
    """Runs commands until `stop` is called or a signal comes. `write` gets one finished line at a time."""

    def __init__(self, write: Callable[[str], None], *, plain: bool = True) -> None:
        self.write = write
        self.plain = plain
        self.children: list[Child] = []
        self.stopping = 0  # how often it was asked
        self.selector = selectors.DefaultSelector()

    def start(self, command: Command) -> Child:
        child = Child(command)
        self.children.append(child)
        self._launch(child)
        return child

    def stop(self, *_: object) -> None:
        self.stopping += 1

    def handle_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.stop)

    def run(self) -> None:
        """Watch the children until asked to stop. Stopping them is left to the caller, in a `finally`."""
        while not self.stopping:
            self.tick()

    def tick(self, seconds: float = TICK_SECONDS) -> None:
        """One look round: pass lines on, notice the dead, start again what is due."""
        self._pass_lines_on(seconds)
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                self._bury(child)
            elif child.process is None and child.due <= now and not self.stopping:
                self._launch(child)

    def stop_all(self) -> None:
        """Workers may finish what they hold, the broker goes last, and whatever is left is killed."""
        self.stopping = max(1, self.stopping)
        self._stop_group([child for child in self.children if not child.command.last])
        self._stop_group([child for child in self.children if child.command.last])
        self._pass_lines_on(0)

    def _launch(self, child: Child) -> None:
        child.started = time.monotonic()
        try:
            child.process = subprocess.Popen(
                child.command.arguments,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **child.command.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the supervisor only, which then stops in order
                preexec_fn=_die_with_parent,  # noqa: PLW1509  # safe here: this process has one thread
            )
        except OSError as error:
            self._retry(child, f"cannot be started: {error}")
            return
        stream = _stream(child.process)
        os.set_blocking(stream.fileno(), False)
        self.selector.register(stream, selectors.EVENT_READ, child)

    def _pass_lines_on(self, seconds: float) -> None:
        if not self.selector.get_map():
            time.sleep(seconds)
            return
        for key, _ in self.selector.select(seconds):
            self._read(key.data, key.fd)

    def _read(self, child: Child, descriptor: int) -> None:
        try:
            data = os.read(descriptor, 65536)
        except BlockingIOError:
            return
        if not data:
            self.selector.unregister(descriptor)
            return
        *lines, child.rest = (child.rest + data).split(b"\n")
        for line in lines:
            self._pass_on(child, line)

    def _pass_on(self, child: Child, line: bytes) -> None:
        prefix = "" if line.startswith(b"{") and not self.plain else f"{child.command.name:<9}| "
        self.write(prefix + line.decode(errors="replace"))

    def _bury(self, child: Child) -> None:
        code = self._clear(child)
        if not self.stopping:
            self._retry(child, f"ended with status {code}")

    def _clear(self, child: Child) -> int:
        """Forget a dead child: read its last lines, kill what it left in its group."""
        process = child.process
        assert process is not None  # noqa: S101
        stream = _stream(process)
        if stream.fileno() in self.selector.get_map():
            self._read(child, stream.fileno())
        if stream.fileno() in self.selector.get_map():
            self.selector.unregister(stream)
        if child.rest:
            self._pass_on(child, child.rest)
        _kill_group(process.pid, signal.SIGKILL)
        stream.close()
        child.process, child.rest = None, b""
        return process.returncode

    def _retry(self, child: Child, what: str) -> None:
        wait = child.back_off()
        child.due = time.monotonic() + wait
        self.write(f"{child.command.name:<9}| {what}; it starts again in {wait:.0f} s")

    def _stop_group(self, children: Sequence[Child]) -> None:
        alive = [child for child in children if child.process is not None]
        for child in alive:
            _signal(child, signal.SIGTERM)
        begun, asked = time.monotonic(), self.stopping
        while alive:
            self._pass_lines_on(TICK_SECONDS)
            hurry = self.stopping > asked  # asked once more: do not wait
            for child in alive:
                if hurry or time.monotonic() - begun > child.command.grace:
                    _signal(child, signal.SIGKILL)
            alive = [child for child in alive if not self._gone(child)]

    def _gone(self, child: Child) -> bool:
        if child.process is None:
            return True
        if child.process.poll() is None:
            return False
        self._clear(child)
        return True


def _stream(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None  # noqa: S101
    return process.stdout


def _signal(child: Child, number: signal.Signals) -> None:
    """The polite signal goes to the leader, which knows its own children; the rude one to the whole group."""
    process = child.process
    if process is None:
        return
    if number is signal.SIGKILL:
        _kill_group(process.pid, number)
    else:
        process.send_signal(number)


def _kill_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
