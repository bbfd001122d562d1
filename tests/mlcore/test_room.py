"""Marking takes fewer threads while other work needs the cores, and all of them again afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from mlcore import threads
from mlcore.bench.inputs import answers, assignment
from mlcore.config import BaseConfig
from mlcore.engine import Engine
from mlcore.room import Room, processor_seconds


class Machine:
    """Four cores, on which time passes as a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "cpu_count", lambda: 4)
        self.now = self.everybody = self.own = 0.0

    def room(self, cores: int = 4) -> Room:
        return Room(cores, lambda: self.everybody, lambda: self.own, lambda: self.now)

    def passes(self, seconds: float, *, others: float, own: float = 1.0) -> None:
        """Others and this process keep so many cores busy."""
        self.now += seconds
        self.own += own * seconds
        self.everybody += (others + own) * seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.mark.parametrize(
    ("others", "threads_"), [(0.0, 4), (0.3, 4), (0.7, 3), (1.0, 3), (2.0, 2), (3.0, 1), (4.0, 1), (9.0, 1)]
)
def test_there_is_room_for_what_others_leave_and_for_one_thread_always(
    machine: Machine, others: float, threads_: int
) -> None:
    room = machine.room()
    machine.passes(1.0, others=others)
    assert room.look() == threads_


def test_what_this_process_uses_itself_is_not_taken_for_others(machine: Machine) -> None:
    room = machine.room()
    machine.passes(1.0, others=0.0, own=4.0)
    assert room.look() == 4


def test_never_more_threads_than_the_cores_that_may_be_used(machine: Machine) -> None:
    room = machine.room(cores=2)
    machine.passes(1.0, others=1.0)
    assert room.look() == 2


def test_it_looks_twice_a_second_and_follows_what_changes(machine: Machine) -> None:
    room = machine.room()
    machine.passes(0.1, others=4.0)
    assert room.look() is None
    machine.passes(0.5, others=4.0)
    assert room.look() == 1
    machine.passes(0.6, others=0.0)
    assert room.look() == 4


def test_what_was_seen_before_a_long_pause_says_nothing(machine: Machine) -> None:
    room = machine.room()
    machine.passes(60.0, others=4.0, own=0.0)
    assert room.look() is None
    machine.passes(1.0, others=0.0)
    assert room.look() == 4


def test_without_figures_of_the_machine_nothing_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clock = iter([0.0, 1.0])
    room = Room(4, lambda: processor_seconds(tmp_path / "stat"), lambda: 0.0, lambda: next(clock))
    assert room.look() is None


def test_what_runs_at_a_low_priority_is_counted_by_those_alone_who_have_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getpriority", lambda which, who: 0)
    ticks = os.sysconf("SC_CLK_TCK")
    columns = [
        100,
        7000,
        20,
        9000,
        300,
        4,
        5,
        71,
        0,
        0,
    ]  # user, nice, system, idle, waiting, hard, soft, stolen, guests
    (tmp_path / "stat").write_text("cpu  " + " ".join(map(str, columns)) + "\ncpu0 1 2 3\n", encoding="ascii")
    assert processor_seconds(tmp_path / "stat") == pytest.approx(200 / ticks)
    monkeypatch.setattr(os, "getpriority", lambda which, who: 10)
    assert processor_seconds(tmp_path / "stat") == pytest.approx(7200 / ticks)
    (tmp_path / "stat").write_text("nonsense", encoding="ascii")
    assert processor_seconds(tmp_path / "stat") is None


def test_an_engine_takes_the_threads_that_there_is_room_for_and_gives_the_same_marks(
    tiny_base: Path, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Narrow:
        def look(self) -> int:
            return 1

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        config = BaseConfig(tiny_base, compute_dtype="float32", device="cpu")
        monkeypatch.setattr(threads, "room", lambda: None)
        wide = Engine(config)
        wide.use(tiny_adapter)
        expected = wide.mark(assignment(), answers(3))
        assert torch.get_num_threads() == 2
        monkeypatch.setattr(threads, "room", Narrow)
        engine = Engine(config)
        engine.use(tiny_adapter)
        assert engine.mark(assignment(), answers(3)) == expected
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
