"""The command line with a real engine: on a tiny checkpoint with random weights, and once on the bundled model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlcore import cli
from mlcore.manifest import read_manifest

CIRCUIT = {
    "question_id": "set/circuit",
    "question": "Why does the bulb go out?",
    "reference_answer": "The gap opens the circuit.",
    "max_score": 4,
}
POND = {"question_id": "set/new", "question": "Why do plants wilt?", "min_score": -1, "max_score": 1, "step": 0.5}


def row(question: dict[str, Any], key: str, answer: str, **more: object) -> dict[str, Any]:
    return {**question, "id": key, "answer": answer, **more}


ROWS = [
    row(CIRCUIT, "c1", "the gap opens the circuit"),
    row(POND, "p1", "they lose water"),
    row(CIRCUIT, "c2", " \n"),
    row(POND, "p2", "it is cold"),
    row(CIRCUIT, "c3", "the battery is empty"),
]
MARKED = [
    row(CIRCUIT, f"m{number}", f"the gap opens it {number}", score=4, feedback="Right, the gap opens the circuit.")
    for number in range(12)
] + [row(CIRCUIT, f"w{number}", f"the battery is empty {number}", score=0, feedback="No.") for number in range(12)]


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return path


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(*arguments: object) -> None:
    assert cli.main([str(argument) for argument in arguments]) == 0


def mark(base: Path, adapter: Path, where: Path, rows: list[dict[str, Any]], *options: str) -> list[dict[str, Any]]:
    given, out = write_lines(where / "in.jsonl", rows), where / "out.jsonl"
    run("mark", "--base", base, "--device", "cpu", "--model", adapter, "--input", given, "--output", out, *options)
    return read_lines(out)


def test_marks_come_in_the_order_of_the_input_on_each_rows_own_scale(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    marked = mark(tiny_base, tiny_adapter, tmp_path, ROWS, "--no-feedback")
    assert [one["id"] for one in marked] == ["c1", "p1", "c2", "p2", "c3"]
    assert [one["max_score"] for one in marked] == [4, 1, 4, 1, 4]
    assert all(0 <= one["points"] <= 4 for one in marked if one["id"].startswith("c"))
    assert all(one["points"] in (-1, -0.5, 0, 0.5, 1) for one in marked if one["id"].startswith("p"))
    assert all(one["feedback"] is None for one in marked)


def test_a_blank_answer_gets_the_least_points_and_says_why(tiny_base: Path, tiny_adapter: Path, tmp_path: Path) -> None:
    blank = mark(tiny_base, tiny_adapter, tmp_path, [row(POND, "p", ""), ROWS[0]])[0]
    assert (blank["points"], blank["notes"]) == (-1, ["blank"])
    assert blank["feedback"]


def test_a_mark_does_not_depend_on_the_other_rows(tiny_base: Path, tiny_adapter: Path, tmp_path: Path) -> None:
    together = mark(tiny_base, tiny_adapter, tmp_path, ROWS, "--no-feedback")
    alone = mark(tiny_base, tiny_adapter, tmp_path, ROWS[-1:], "--no-feedback")
    assert together[-1] == alone[0]


def test_points_for_each_criterion_are_written_where_there_are_criteria(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    criteria = [{"id": "cause", "title": "Names the gap", "points": 3}, {"id": "style", "title": "Clear", "points": 1}]
    (marked,) = mark(
        tiny_base, tiny_adapter, tmp_path, [row(CIRCUIT, "c", "the gap", criteria=criteria)], "--no-feedback"
    )
    assert [one["id"] for one in marked["criteria"]] == ["cause", "style"]
    assert sum(one["points"] for one in marked["criteria"]) == pytest.approx(marked["points"], abs=0.01)


def test_marked_answers_correct_the_points_and_give_intervals_to_their_question(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = mark(tiny_base, tiny_adapter, tmp_path, ROWS, "--no-feedback")
    shown = write_lines(tmp_path / "marked.jsonl", MARKED)
    after = mark(tiny_base, tiny_adapter, tmp_path, ROWS, "--no-feedback", "--marked", str(shown))
    assert [one["id"] for one in after] == [one["id"] for one in before]
    assert "24 marked answers to 1 of the input's 2 questions" in capsys.readouterr().err
    known = {one["question_id"] for one in MARKED}
    assert after[2] == {**before[2], "basis": "rule"}
    for row, old, new in [entry for entry in zip(ROWS, before, after, strict=True) if entry[0]["id"] != "c2"]:
        low, high = new["interval"]
        assert row.get("min_score", 0) <= low <= new["points"] <= high <= row["max_score"]
        if row["question_id"] in known:
            assert new["interval_basis"] == "question"
        else:
            assert (new["basis"], new["points"], new["interval_basis"]) == ("model", old["points"], "course")
    assert mark(tiny_base, tiny_adapter, tmp_path, ROWS, "--no-feedback", "--marked", str(shown)) == after


def test_an_evaluation_is_printed_saved_and_kept_on_the_card(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = Path(shutil.copytree(tiny_adapter, tmp_path / "adapter"))
    data = write_lines(tmp_path / "data.jsonl", MARKED[:3] + MARKED[-3:])
    train = write_lines(tmp_path / "train.jsonl", MARKED)
    saved = tmp_path / "figures.json"
    options = ["--train", train, "--json", saved, "--record", "unseen answers", "--feedback", "--questions", "trained"]
    page = tmp_path / "page.html"
    options += ["--html", page, "--draws", "50"]
    run("evaluate", "--base", tiny_base, "--device", "cpu", "--model", adapter, "--data", data, *options)
    table = capsys.readouterr().out
    assert "this model" in table
    assert "TF-IDF + ridge" in table
    figures = json.loads(saved.read_text())
    assert (figures["n"], figures["feedback"]["n"], figures["data"]) == (6, 6, ["data.jsonl"])
    # The rivals learn the rest: the rows that are measured are kept from them.
    assert figures["floors"]["ridge"]["rmse"] < 0.3
    assert read_manifest(adapter).metrics["unseen answers"]["rmse"] == figures["rmse"]
    assert "unseen answers (6 answers)" in (adapter / "CARD.md").read_text()
    assert figures["bootstrap"] == {"draws": 50, "unit": "rows", "seed": 0, "level": 0.95}
    assert figures["intervals"]["rmse"][0] <= figures["rmse"] <= figures["intervals"]["rmse"][1]
    assert page.read_text().count("<svg") == 3


def test_an_evaluation_with_a_teachers_marks_measures_the_corrected_scores(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    data = write_lines(tmp_path / "data.jsonl", MARKED[:4] + MARKED[-4:])
    saved = [tmp_path / name for name in ("alone.json", "corrected.json", "by_itself.json")]
    # Its own rows among the marked ones teach it nothing: each would be corrected by its own mark.
    marks: list[list[object]] = [[], ["--marked", write_lines(tmp_path / "all.jsonl", MARKED)], ["--marked", data]]
    for file, more in zip(saved, marks, strict=True):
        options = ["--data", data, "--draws", 0, "--json", file, *more]
        run("evaluate", "--base", tiny_base, "--device", "cpu", "--model", tiny_adapter, *options)
    alone, corrected, by_itself = (json.loads(file.read_text()) for file in saved)
    assert corrected["rmse"] < alone["rmse"] / 2
    assert corrected["marked"] == ["all.jsonl"]
    assert by_itself["rmse"] == alone["rmse"]


def test_a_sample_of_the_rows_is_measured(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_lines(tmp_path / "data.jsonl", MARKED)
    saved = tmp_path / "figures.json"
    options = ["--data", data, "--limit", "5", "--draws", "0", "--json", saved]
    run("evaluate", "--base", tiny_base, "--device", "cpu", "--model", tiny_adapter, *options)
    figures = json.loads(saved.read_text())
    assert (figures["n"], figures["intervals"]) == (5, {})
    assert "No intervals were drawn." in capsys.readouterr().out


def test_a_version_is_attacked(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_lines(tmp_path / "data.jsonl", MARKED)
    saved = tmp_path / "attacks.json"
    options = ["--data", data, "--size", "3", "--json", saved]
    run("robustness", "--base", tiny_base, "--device", "cpu", "--model", tiny_adapter, *options)
    figures = json.loads(saved.read_text())
    assert figures["injections"] > 8
    assert 0 <= figures["movement"] <= figures["movement_99"] <= 1
    assert "mean mark of nonsense" in capsys.readouterr().out


@pytest.mark.slow
def test_what_was_trained_here_marks_here(tiny_base: Path, tmp_path: Path) -> None:
    train = write_lines(tmp_path / "train.jsonl", MARKED)
    adapter = tmp_path / "version"
    settings = ["--epochs", 1, "--rank", 2, "--parts", "scorer,feedback", "--method", "qlora", "--name", "Lab"]
    run("train", "--base", tiny_base, "--device", "cpu", "--train", train, "--output", adapter, *settings)
    assert not adapter.with_suffix(".partial").exists()
    manifest = read_manifest(adapter)
    assert (manifest.name, list(manifest.parts)) == ("Lab", ["scorer", "feedback"])
    assert len(mark(tiny_base, adapter, tmp_path, ROWS)) == len(ROWS)


@pytest.mark.slow
@pytest.mark.model
def test_the_starter_model_marks_from_the_command_line(tmp_path: Path) -> None:
    """The whole way as a person takes it: a fresh process, the bundled base, the committed adapter."""
    base = Path(os.environ.get("MARGINALIA_BASE", "var/models/smollm2-135m-instruct"))
    given, out = write_lines(tmp_path / "in.jsonl", ROWS), tmp_path / "out.jsonl"
    subprocess.run([sys.executable, "-m", "mlcore", "prepare", "--to", str(base)], check=True)
    command = [sys.executable, "-m", "mlcore", "mark", "--base", str(base), "--input", str(given), "--output", str(out)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    marked = read_lines(out)
    assert [one["id"] for one in marked] == [one["id"] for one in ROWS]
    assert all(one["feedback"].strip() for one in marked)
    assert marked[0]["points"] > marked[4]["points"]
