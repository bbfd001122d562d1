"""The site's own processes, started with the supervisor's command lines and started again when they end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from gradingsite.children import Command
from gradingsite.supervisor import Place, web_command, worker_commands

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Processes:
    """`restart: unless-stopped`, as a container's keeper does it."""

    environment: dict[str, str]
    directory: Path
    commands: dict[str, Command] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)
    restarts: int = 0

    def add_site(self, port: int) -> None:
        """Two web processes, two marking workers, one for training, one for other work, and beat."""
        self.commands["web"] = web_command(Place(self.directory, "127.0.0.1", port))
        for command in worker_commands(self.directory):
            self.commands[command.name] = command
        marking = self.commands["marking"]
        argv = ["marking-two@%h" if part == "marking@%h" else part for part in marking.arguments]
        self.commands["marking-two"] = Command("marking-two", argv, marking.environment, grace=marking.grace)

    def start_all(self) -> None:
        for name in self.commands:
            self._start(name)
        threading.Thread(target=self._keep, daemon=True).start()

    def _start(self, name: str) -> None:
        command = self.commands[name]
        # libpq tells PostgreSQL this name, by which a process is found that is in a transaction just now.
        environment = {**self.environment, **command.environment, "PGAPPNAME": name}
        with (self.directory / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                list(command.arguments), cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def _keep(self) -> None:
        while not self.stopping.wait(0.5):
            with self.lock:
                for name, process in list(self.running.items()):
                    if process.poll() is not None and not self.stopping.is_set():
                        self.restarts += 1
                        self._start(name)

    def tree(self, name: str) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(self.running[name].pid)
            return [parent, *parent.children(recursive=True)]
        return []

    def kill(self, name: str, *, children_only: bool = False) -> bool:
        found = self.tree(name)[1 if children_only else 0 :]
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        return bool(found)

    @contextlib.contextmanager
    def hanging(self, name: str) -> Iterator[None]:
        """SIGSTOP for a worker and all its processes, then SIGCONT."""
        stopped = self.tree(name)
        for process in stopped:
            with contextlib.suppress(psutil.Error):
                process.suspend()
        try:
            yield
        finally:
            for process in stopped:
                with contextlib.suppress(psutil.Error):
                    process.resume()

    def stop_all(self) -> None:
        self.stopping.set()
        with self.lock:
            for name, process in self.running.items():
                for part in self.tree(name):
                    with contextlib.suppress(psutil.Error):
                        part.resume()
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
            end = time.monotonic() + 5
            while time.monotonic() < end and any(p.poll() is None for p in self.running.values()):
                time.sleep(0.1)
            for name in self.running:
                self.kill(name)
