"""Marking alone, beside busy processes and while a training runs: with a thread for each core as before, and as now.

Each way marks in a process of its own, because what one says to OpenMP holds for good. Both stand ready and take turns;
the one whose turn it is not waits for a line on its standard input, and ends when that closes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlcore.bench import BenchResult, row
from mlcore.config import BaseConfig
from mlcore.machine import usable_cores
from mlcore.threads import advice

# A busy process ends by itself after this, and at once when the benchmark is gone.
_BUSY_SECONDS = 600
_BUSY = (
    "import os, sys, time\n"
    "parent, ends = os.getppid(), time.monotonic() + float(sys.argv[1])\n"
    "while time.monotonic() < ends and os.getppid() == parent: pass"
)
# A training that takes longer is given up.
_TRAINING_SECONDS = 300
_OPENMP = ("OMP_", "GOMP_", "KMP_")
_ALONE, _BESIDE = 0.97, 0.4
_BEFORE = "a thread for each core, whatever else runs"
_START = "import sys; {first}; from mlcore.bench.marker import main; main(sys.argv[1:])"
# As the command line and the workers begin; and as they began before they heeded other work.
_NOW_FIRST, _BEFORE_FIRST = "from mlcore import threads; threads.settle()", "pass"


class BesideError(RuntimeError):
    """A process of the benchmark ended before its time."""


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        answers: marked with feedback in each turn.
        alone: turns of each way without anything beside it.
        beside: turns of marking as it is now beside busy processes, and while a training runs.
        trained: answers to each of five questions that the training learns.
    """

    answers: int = 4
    alone: int = 3
    beside: int = 2
    trained: int = 4


FULL, QUICK = Size(), Size(answers=2, alone=1, beside=1, trained=2)


def bench_beside(
    config: BaseConfig,
    version: Path,
    busy: int,
    *,
    size: Size = FULL,
    on_progress: Callable[[str], None] = lambda what: None,
) -> BenchResult:
    """Measure both ways, with `busy` processes that never wait for anything.

    Raises:
        BesideError: a process ended before its time, or the training took too long.
    """
    plain = {name: value for name, value in os.environ.items() if not name.startswith(_OPENMP)}
    every_core = {**plain, "OMP_NUM_THREADS": str(os.cpu_count())}
    on_progress("loading")
    with (
        _Marker(config, version, size, every_core, _BEFORE_FIRST) as before,
        _Marker(config, version, size, plain, _NOW_FIRST) as now,
    ):
        on_progress("marking alone")
        alone = _by_turns(before, now, size.alone)
        on_progress(f"{alone[0]:.2f} and {alone[1]:.2f} answers/s; marking beside {busy} busy processes")
        with _busy(busy):
            # Once is enough to see how slow that was.
            beside = (before.rate(), statistics.median(now.rate() for _ in range(size.beside)))
        on_progress(f"{beside[0]:.2f} and {beside[1]:.2f} answers/s; marking while a training runs")
        training, took = _while_training(config, now, size, plain)
    result = BenchResult()
    what = f"marking {size.answers} answers with feedback"
    result.rows += [
        _row(f"{what}, alone", alone[1], alone[0], _BEFORE, _ALONE),
        _row(f"{what}, beside {busy} busy", beside[1], beside[0], _BEFORE, 1.0),
        _row(f"{what}, beside {busy} busy", beside[1], alone[1], "itself alone", _BESIDE),
        _row(f"{what}, while a training runs", training, alone[1], "itself alone", _BESIDE),
    ]
    result.notes += [
        f"{now.dtype}; {os.cpu_count()} cores, {usable_cores()} of them to be used here",
        f"beside {busy} busy processes {beside[0] / alone[0]:.2f} of the rate alone was left before",
        f"both ended: the training of {5 * size.trained} answers took {took:.0f} s, some of them beside marking",
        f"load of the machine at the end: {os.getloadavg()[0]:.1f}",
    ]
    return result


class _Marker:
    """A process that marks when it is told to."""

    def __init__(
        self, config: BaseConfig, version: Path, size: Size, environment: Mapping[str, str], first: str
    ) -> None:
        asked = {"base": asdict(config), "version": version, "count": size.answers}
        self._answers = size.answers
        self._turn = 0
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START.format(first=first), json.dumps(asked, default=str)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> _Marker:
        try:
            self.dtype = str(self._said()["ready"])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def rate(self) -> float:
        """Answers a second in one turn."""
        self._turn += 1
        print(self._turn, file=self._process.stdin, flush=True)
        return self._answers / float(self._said()["seconds"])

    def _said(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise BesideError(f"the marking process ended with status {self._process.wait()}")
        said: dict[str, Any] = json.loads(line)
        return said


def _by_turns(before: _Marker, now: _Marker, turns: int) -> tuple[float, float]:
    """The median rates of both."""
    rates = [(before.rate(), now.rate()) for _ in range(turns)]
    first, second = zip(*rates, strict=True)
    return statistics.median(first), statistics.median(second)


@contextmanager
def _busy(number: int) -> Iterator[None]:
    processes = [subprocess.Popen([sys.executable, "-c", _BUSY, str(_BUSY_SECONDS)]) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _while_training(config: BaseConfig, now: _Marker, size: Size, plain: Mapping[str, str]) -> tuple[float, float]:
    """The median rate while a training makes its steps, and the seconds that the training took in all."""
    started = time.monotonic()
    environment = {**plain, **advice(plain, max(1, usable_cores() // 2), passive=True)}
    asked = json.dumps({"base": asdict(config), "count": size.trained}, default=str)
    training = subprocess.Popen(
        [sys.executable, "-m", "mlcore.bench.trainee", asked],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # see mlcore.threads.step_back
    )
    try:
        if training.stdout is None or training.stdout.readline() != "begun\n":
            raise BesideError(f"the training ended with status {training.wait()}")
        rates = [now.rate()]
        while training.poll() is None and len(rates) < size.beside:
            rates.append(now.rate())
        if training.wait(_TRAINING_SECONDS):
            raise BesideError(f"the training ended with status {training.returncode}")
    except subprocess.TimeoutExpired as error:
        raise BesideError(f"the training did not end within {_TRAINING_SECONDS} s") from error
    finally:
        training.kill()
        training.communicate()
    return statistics.median(rates), time.monotonic() - started


def _row(name: str, ours: float, peer: float, peer_name: str, target: float) -> dict[str, Any]:
    return row(name, "answers/s", ours, peer, peer_name, ours / peer, target)
