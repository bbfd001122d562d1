"""`python -m mlcore train --estimate` says what a training takes, and trains nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcore.cli import USER_ERROR, main


@pytest.fixture
def options(tiny_base: Path, tmp_path: Path) -> list[str]:
    rows = [
        {
            "id": f"{q}/{a}",
            "question_id": f"s/{q}",
            "question": f"Why, part {q}?",
            "answer": "So it is.",
            "score": a % 2,
        }
        for q in range(4)
        for a in range(5)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    train, output = str(tmp_path / "rows.jsonl"), str(tmp_path / "adapter")
    return ["train", "--train", train, "--output", output, "--base", str(tiny_base), "--device", "cpu", "--estimate"]


def test_it_says_what_a_training_takes_and_trains_nothing(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*options, "--rate", "100"]) == 0
    said = capsys.readouterr().out
    assert "about 15 examples" in said
    assert "at 100 tokens/s (as given" in said
    assert "GB of memory" in said
    assert "too few" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.jsonl"]


def test_without_a_rate_it_says_that_nothing_was_measured(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options) == 0
    assert "not measured here" in capsys.readouterr().out


def test_a_base_that_is_missing_is_told_in_a_sentence(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options[options.index("--base") + 1] = str(tmp_path / "nowhere")
    assert main(options) == USER_ERROR
    assert "not a checkpoint directory" in capsys.readouterr().err
