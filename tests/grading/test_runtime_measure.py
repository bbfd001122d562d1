"""A new version is measured beside the one in use by a real engine, and what it is at is told on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from grading.runtime_measure import Measuring, compare
from mlcore.config import BaseConfig, TrainTask
from mlcore.schemas import Answer, Example, MarkedAnswer, Question
from tests.mlcore.conftest import make_tiny_adapter

QUESTION = Question("bulb", "Why does the bulb go out?", "The gap opens the circuit.", max_points=2.0)


def examples() -> list[Example]:
    texts = ("The gap opens the circuit.", "The lamp is broken.", "No current flows.", "Magic.")
    return [
        Example(QUESTION, MarkedAnswer(Answer(str(place), text), float(place % 2 == 0) * 2, "Name the gap."))
        for place, text in enumerate(texts)
    ]


def test_what_is_measured_is_told_and_counted(tiny_base: Path, tiny_adapter: Path, tmp_path: Path) -> None:
    in_use = make_tiny_adapter(tiny_base, tmp_path / "in-use", seed=5)
    told: list[TrainTask] = []
    how = Measuring(BaseConfig(tiny_base, device="cpu"), (), ("scorer", "feedback"), told.append)
    found = compare(how, examples(), tiny_adapter, in_use)
    assert found["candidate"]["n"] == found["in_use"]["n"] == 4
    order = list(dict.fromkeys(task.what for task in told))
    assert order == ["loading", "candidate", "attacks", "feedback", "in_use"]
    for what in order[1:]:
        last = [task for task in told if task.what == what][-1]
        assert last.done == last.of > 0


def test_whoever_is_told_may_stop_it(tiny_base: Path, tiny_adapter: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(task: TrainTask) -> None:
        if task.what == "candidate":
            raise Stopped

    how = Measuring(BaseConfig(tiny_base, device="cpu"), (), ("scorer",), stop)
    with pytest.raises(Stopped):
        compare(how, examples(), tiny_adapter, None)
