"""float32 or bfloat16: by what was measured, once for a machine, and the same after every restart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcore.dtype_choice import choose, kept_choice

XEON = {"processor": "Xeon", "torch": "2.13.0", "shapes": [[576, 576]], "layers": 30}


def timed(float32: float, bfloat16: float) -> dict[str, float]:
    return {"float32": float32, "bfloat16": bfloat16}


@pytest.mark.parametrize(
    ("float32", "bfloat16", "dtype"),
    [
        (60.0, 100.0, "float32"),
        (100.0, 50.0, "bfloat16"),
        (100.0, 100.0, "float32"),
        (100.0, 95.0, "float32"),  # close: what is exact counts more
        (109.9, 100.0, "float32"),
        (110.1, 100.0, "bfloat16"),
    ],
)
def test_the_faster_one_is_taken_and_float32_where_both_are_close(float32: float, bfloat16: float, dtype: str) -> None:
    assert choose(timed(float32, bfloat16)).dtype == dtype


def test_a_choice_says_what_it_was_made_by() -> None:
    assert str(choose(timed(74.1, 310))) == "float32 74.1 ms, bfloat16 310.0 ms"


def test_it_is_measured_once_and_a_restart_never_changes_it(tmp_path: Path) -> None:
    first = kept_choice(tmp_path / "timings", XEON, lambda: timed(100, 50))
    assert first.dtype == "bfloat16"

    def again() -> dict[str, float]:
        raise AssertionError("it was measured again")

    assert kept_choice(tmp_path / "timings", XEON, again) == first


@pytest.mark.parametrize("other", [{"processor": "EPYC"}, {"torch": "2.14.0"}, {"layers": 32}])
def test_another_machine_release_or_model_has_a_choice_of_its_own(tmp_path: Path, other: dict[str, object]) -> None:
    kept_choice(tmp_path, XEON, lambda: timed(50, 100))
    assert kept_choice(tmp_path, {**XEON, **other}, lambda: timed(100, 50)).dtype == "bfloat16"
    assert kept_choice(tmp_path, XEON, lambda: timed(100, 50)).dtype == "float32"


def test_of_two_workers_that_measure_at_once_both_take_what_was_kept_first(tmp_path: Path) -> None:
    def slowly() -> dict[str, float]:
        kept_choice(tmp_path, XEON, lambda: timed(100, 50))
        return timed(100, 101)

    assert kept_choice(tmp_path, XEON, slowly).dtype == "bfloat16"


def test_what_cannot_be_kept_is_chosen_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "timings").write_text("no directory", encoding="ascii")
    assert kept_choice(tmp_path / "timings", XEON, lambda: timed(100, 50)).dtype == "bfloat16"
    assert "measured again at every start" in caplog.text


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"dtype": "float32"}', '{"dtype": "float32", "milliseconds": 3}'])
def test_a_damaged_file_is_named_and_does_not_stop_the_work(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    kept_choice(tmp_path, XEON, lambda: timed(100, 50))
    (kept,) = tmp_path.iterdir()
    assert json.loads(kept.read_text(encoding="utf-8"))["about"] == XEON
    kept.write_text(damage, encoding="utf-8")
    assert kept_choice(tmp_path, XEON, lambda: timed(50, 100)).dtype == "float32"
    assert kept.name in caplog.text
