"""`python -m mlcore bench --recipe` measures a training configuration: here on a scaled-down Llama-2, on the CPU."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcore.cli import USER_ERROR, main
from tests.mlcore.llama2 import LLAMA2, write_checkpoint

pytestmark = pytest.mark.slow

RECIPE = Path(__file__).parents[2] / "mlcore" / "recipes" / "llama2_7b.json"


def test_it_measures_steps_memory_and_marks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = write_checkpoint(tmp_path / "base", LLAMA2["7b"].scaled_down())
    saved = tmp_path / "figures.json"
    options = ["--recipe", str(RECIPE), "--base", str(base), "--device", "cpu", "--quick", "--json", str(saved)]

    assert main(["bench", *options]) == 0

    assert "s a step" in capsys.readouterr().out
    found = json.loads(saved.read_text())
    assert found["device"] == "CPU"
    assert found["steps"] >= 1
    assert found["seconds_per_step"] > 0
    assert found["marks_per_second"] > 0
    assert found["training_bytes"] > 100_000_000


def test_a_recipe_that_is_none_is_told_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recipe.json").write_text('{"epoch": 1}')
    assert main(["bench", "--recipe", str(tmp_path / "recipe.json")]) == USER_ERROR
    assert "no setting “epoch”" in capsys.readouterr().err
