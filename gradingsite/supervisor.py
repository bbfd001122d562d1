"""`make run`: the whole site under one process. Ctrl-C stops it all, in order.

With REDIS_URL set no broker is started, with DATABASE_URL set the database is that one.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured

from gradingsite import broker, env
from gradingsite.children import Command, Supervisor

SOFT_SHUTDOWN_SECONDS = 15


@dataclass(frozen=True)
class Place:
    """Where this run keeps its things and where it answers."""

    var: Path
    host: str
    port: int

    @property
    def address(self) -> str:
        shown = "localhost" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        return f"http://{f'[{shown}]' if ':' in shown else shown}:{self.port}"


def main() -> None:
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        place = _place()
        with locked(place.var):
            refuse_taken_port(place)
            _run(place)
    except KeyboardInterrupt:
        raise SystemExit("Stopped.") from None
    except (ImproperlyConfigured, broker.BrokerMissing) as error:
        raise SystemExit(str(error)) from None


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _place() -> Place:
    from gradingsite import settings

    return Place(
        var=settings.VAR_DIR,
        host=env.text("HOST", "127.0.0.1"),
        port=env.whole("PORT", 8000, least=1, most=65535),
    )


@contextlib.contextmanager
def locked(var: Path) -> Iterator[None]:
    """Two runs over the same files would fight over the broker's and the database's."""
    with (var / "run.lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise SystemExit(
                f"Marginalia is already running on {var} (process {handle.read().strip() or 'unknown'}). "
                "Stop it with Ctrl-C where it runs, or give this one MARGINALIA_VAR=another/directory."
            ) from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield


def refuse_taken_port(place: Place) -> None:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((place.host, place.port))
        except OSError as error:
            where, other = f"Port {place.port} on {place.host}", place.port + 1
            raise SystemExit(f"{where} cannot be used ({error.strerror}); try PORT={other} make run.") from None


def _run(place: Place) -> None:
    os.environ.setdefault("SITE_URL", place.address)
    os.environ.setdefault("WORKER_SOFT_SHUTDOWN_SECONDS", str(SOFT_SHUTDOWN_SECONDS))
    # Lines for programs are passed on as they are; each says itself which process wrote it.
    supervisor = Supervisor(_say, plain=env.text("LOG_FORMAT") != "json")
    if not env.text("REDIS_URL"):
        supervisor.start(broker_command(place.var))
    try:
        prepare()
        supervisor.handle_signals()
        supervisor.start(web_command(place))
        # The workers load a model; on few cores that would come between a visitor and the first page.
        _wait_for_page(supervisor, place)
        for command in worker_commands(place.var):
            supervisor.start(command)
        if not supervisor.stopping:
            _welcome(place)
        supervisor.run()
        _say("Stopping; what is at work may finish. Ctrl-C once more ends it at once.")
    finally:
        supervisor.stop_all()
    _say("Stopped.")


def prepare() -> None:
    done = subprocess.run([sys.executable, "-m", "gradingsite.preparation"], check=False)
    if done.returncode:
        raise SystemExit("The site could not be prepared; the lines above say why.")


def broker_command(var: Path) -> Command:
    return Command("broker", broker.command(var), last=True)


def web_command(place: Place) -> Command:
    host = f"[{place.host}]" if ":" in place.host else place.host
    options = {
        "bind": f"{host}:{place.port}",
        "worker-class": "gthread",
        "workers": str(env.whole("WEB_PROCESSES", 2, least=1)),
        "threads": str(env.whole("WEB_THREADS", 4, least=1)),
        "timeout": "60",
        "graceful-timeout": "5",
        "log-level": "warning",
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    gunicorn = [sys.executable, "-m", "gunicorn", "gradingsite.wsgi", "--preload", "--no-control-socket"]
    return Command("web", [*gunicorn, *flags])


def worker_commands(var: Path) -> list[Command]:
    """Marking and training have a process each; mail, sweeps and other short work must not wait behind them."""
    celery = [sys.executable, "-m", "celery", "--quiet", "--app", "gradingsite"]
    return [
        _worker(celery, "marking", ["--pool", "prefork", "--concurrency", "1"]),
        _worker(celery, "training", ["--pool", "prefork", "--concurrency", "1"]),
        _worker(celery, "default", ["--pool", "threads", "--concurrency", "2"]),
        Command(
            "beat",
            [*celery, "beat", "--loglevel", "WARNING", "--pidfile", "", "--schedule", str(var / "beat-schedule")],
        ),
    ]


def _worker(celery: list[str], queue: str, pool: list[str]) -> Command:
    flags = [
        "--queues",
        queue,
        "--hostname",
        f"{queue}@%h",
        "--loglevel",
        "INFO",
        "--without-gossip",
        "--without-mingle",
    ]
    return Command(
        queue,
        [*celery, "worker", *flags, *pool],
        {
            # SIGTERM then means: give up what cannot be finished in the soft shutdown's seconds. Its rows go back.
            "REMAP_SIGTERM": "SIGQUIT",
            # Eight lines of warning for whoever tries this as root in a container of their own.
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser",
        },
        grace=env.whole("WORKER_SOFT_SHUTDOWN_SECONDS", SOFT_SHUTDOWN_SECONDS) + 10,
    )


def _wait_for_page(supervisor: Supervisor, place: Place, seconds: float = 30) -> None:
    begun = time.monotonic()
    while not supervisor.stopping and time.monotonic() - begun < seconds:
        supervisor.tick()
        if answers(place):
            return


def answers(place: Place) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(place.host, place.host)  # noqa: S104
    connection = http.client.HTTPConnection(host, place.port, timeout=2)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _welcome(place: Place) -> None:
    _say(f"\nMarginalia answers at {place.address}    (Ctrl-C stops it)")
    kept = place.var / "sample_password"
    if kept.exists():
        _say("Sample accounts: admin@example.org, teacher@example.org, student1@example.org …")
        _say(f"Their password: {kept.read_text(encoding='utf-8').strip()}    (kept in {kept})")
    elif env.text("SAMPLE_PASSWORD"):
        _say("Sample accounts: admin@example.org, teacher@example.org, student1@example.org …")
        _say("Their password is the one in SAMPLE_PASSWORD.")
    _say("")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
