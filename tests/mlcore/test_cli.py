"""What the command line says to people. Nothing here loads a model."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mlcore import cli
from mlcore.cli import commands
from mlcore.cli.marking import about_marked
from mlcore.cli.progress import Counter, TrainingLines, clock
from mlcore.config import TrainProgress
from mlcore.manifest import BaseEntry, Manifest, PartEntry, write_adapter
from mlcore.rows import Row, read_rows
from mlcore.schemas import Answer, Question

ROW = {"id": "a", "question_id": "q", "question": "Why?", "answer": "Because.", "score": 1, "max_score": 2}


def write_lines(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    manifest = Manifest(
        name="Tiny",
        base=BaseEntry("tiny-llama", "0"),
        parts={"scorer": PartEntry(("scorer.safetensors",), "regression")},
        training={"held_out_questions": ["new"]},
    )
    return write_adapter(tmp_path / "adapter", lambda where: (where / "scorer.safetensors").touch(), manifest)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one sentence that a command ends with, which must be all that it says."""
    assert cli.main([str(argument) for argument in arguments]) == cli.USER_ERROR
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{broken", "line 2: not readable JSON"),
        ("[1]", "line 2: not a JSON object"),
        ({"question": "Why?"}, "line 2: “answer” is missing"),
        ({**ROW, "id": "b", "score": 3}, "line 2: score 3.0 lies outside 0.0 to 2.0"),
        ({**ROW, "id": "b", "max_score": 0, "score": None}, "line 2: question q: the maximum"),
        ({**ROW, "id": "b", "answer": 7}, "line 2: “answer” must be text"),
    ],
    ids=["broken", "array", "field", "range", "maximum", "type"],
)
def test_a_bad_line_is_named_with_its_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, adapter: Path, line: object, words: str
) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", ROW, line)
    message = refused(capsys, "mark", "--model", adapter, "--input", rows, "--output", tmp_path / "out.jsonl")
    assert f"{rows}, {words}" in message
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize(
    ("command", "option"), [("mark", "--input"), ("mark", "--marked"), ("evaluate", "--data"), ("evaluate", "--train")]
)
def test_a_missing_file_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, adapter: Path, command: str, option: str
) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", ROW)
    needed = {"mark": {"--input": rows, "--output": tmp_path / "out.jsonl"}, "evaluate": {"--data": rows}}[command]
    chosen = {**needed, "--model": adapter, option: tmp_path / "missing.jsonl"}
    message = refused(capsys, command, *(part for pair in chosen.items() for part in pair))
    assert "missing.jsonl cannot be read: No such file or directory" in message


def test_a_missing_model_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", ROW)
    message = refused(capsys, "evaluate", "--model", tmp_path / "nowhere", "--data", rows)
    assert "nowhere is not an adapter directory" in message


def test_a_base_that_is_no_checkpoint_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, adapter: Path
) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", ROW)
    out = tmp_path / "out.jsonl"
    message = refused(
        capsys, "mark", "--model", adapter, "--base", tmp_path / "no-base", "--input", rows, "--output", out
    )
    assert "no-base is not a checkpoint directory" in message


def test_a_base_that_the_model_was_not_trained_on_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, adapter: Path, tiny_base: Path
) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", ROW)
    message = refused(capsys, "evaluate", "--model", adapter, "--base", tiny_base, "--data", rows)
    assert "“Tiny” was trained on tiny-llama (revision 0), but the base model that is loaded is tiny-llama" in message


def test_a_directory_that_is_missing_for_the_output_is_named_before_any_work(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, adapter: Path
) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", ROW)
    message = refused(
        capsys, "mark", "--model", adapter, "--input", rows, "--output", tmp_path / "nowhere" / "out.jsonl"
    )
    assert "nowhere is not a directory" in message


def test_marked_answers_without_a_score_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, adapter: Path
) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", ROW)
    marked = write_lines(tmp_path / "marked.jsonl", {**ROW, "score": None})
    message = refused(
        capsys, "mark", "--model", adapter, "--input", rows, "--output", tmp_path / "o.jsonl", "--marked", marked
    )
    assert "marked.jsonl: the row “a” has no score" in message


def test_an_empty_input_gives_an_empty_output(tmp_path: Path, adapter: Path) -> None:
    rows, out = write_lines(tmp_path / "rows.jsonl"), tmp_path / "out.jsonl"
    assert cli.main(["mark", "--model", str(adapter), "--input", str(rows), "--output", str(out)]) == 0
    assert out.read_text() == ""


def test_questions_that_were_not_held_out_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, adapter: Path
) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", ROW)
    message = refused(capsys, "evaluate", "--model", adapter, "--data", rows, "--questions", "held-out")
    assert "no such question" in message


def test_floors_never_learn_from_rows_that_are_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, adapter: Path
) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", ROW)
    held_out = write_lines(tmp_path / "held.jsonl", ROW, {**ROW, "id": "b", "question_id": "new"})
    message = refused(capsys, "evaluate", "--model", adapter, "--data", rows, "--train", held_out)
    assert "none is left to learn from" in message


def test_a_training_says_what_it_still_needs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    message = refused(capsys, "train", "--base", tmp_path)
    assert "needs --output and --train" in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not readable JSON"),
        ("[]", "does not hold a training configuration"),
        ('{"epochs": -1}', "epochs must be positive, not -1"),
        ('{"colour": "red"}', "no setting “colour”"),
        ('{"base": {"quantisation": "nf3"}}', "quantisation must be one of nf4, int8, none"),
        ('{"method": "lora", "base": {"quantisation": "nf4"}}', "method lora does not go with nf4"),
    ],
    ids=["broken", "array", "value", "unknown", "base", "method"],
)
def test_a_configuration_that_makes_no_sense_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, words: str
) -> None:
    config = tmp_path / "config.json"
    config.write_text(text)
    message = refused(
        capsys, "train", "--config", config, "--base", tmp_path, "--train", "rows.jsonl", "--output", tmp_path / "new"
    )
    assert str(config) in message
    assert words in message


def test_an_unfinished_training_is_not_resumed_by_accident(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "new.partial").mkdir()
    message = refused(capsys, "train", "--base", tmp_path, "--train", "rows.jsonl", "--output", tmp_path / "new")
    assert "go on with --resume, or delete it" in message


def test_training_rows_that_are_missing_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    message = refused(
        capsys, "train", "--base", tmp_path, "--train", tmp_path / "rows.jsonl", "--output", tmp_path / "new"
    )
    assert "rows.jsonl cannot be read" in message


def test_options_count_more_than_the_configuration_file(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    body = {
        "output": "a",
        "train_files": ["x.jsonl"],
        "epochs": 9,
        "lora": {"rank": 4, "alpha": 8},
        "base": {"device": "cpu"},
    }
    config.write_text(json.dumps(body))
    options = cli.build_parser().parse_args(
        ["train", "--config", str(config), "--base", "b", "--epochs", "2", "--rank", "8", "--parts", "scorer"]
    )
    made = commands.train_config(options)
    assert (made.epochs, made.parts, made.output) == (2.0, ("scorer",), Path("a"))
    assert (made.lora.rank, made.lora.alpha) == (8, 16.0)
    assert (made.base.directory, made.base.device) == (Path("b"), "cpu")


def test_plain_lora_takes_plain_weights() -> None:
    options = cli.build_parser().parse_args(
        ["train", "--base", "b", "--method", "lora", "--train", "x.jsonl", "--output", "a"]
    )
    assert commands.train_config(options).base.quantisation == "none"


def test_unknown_parts_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["train", "--parts", "scorer,poet"])
    assert stop.value.code == cli.USER_ERROR
    assert "“scorer,poet” is not a list of scorer, feedback" in capsys.readouterr().err


def test_errors_come_without_loading_torch_or_django(tmp_path: Path) -> None:
    code = (
        "import sys; from mlcore.cli import main; status = main(sys.argv[1:]);"
        "print(status, *sorted({'torch', 'django', 'transformers', 'sklearn'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, "mark", "--input", str(tmp_path / "no.jsonl"), "--output", "out.jsonl"]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    assert finished.stdout.split() == ["2"]
    assert "Traceback" not in finished.stderr


def test_marked_answers_to_other_questions_are_reported(tmp_path: Path) -> None:
    marked = [
        row.example()
        for row in read_rows(write_lines(tmp_path / "m.jsonl", ROW, {**ROW, "id": "b", "question_id": "z"}))
    ]
    lines = about_marked(marked, [Row(Question("q", "Why?"), Answer("1", "x"))], tmp_path / "m.jsonl")
    assert "corrected by 1 marked answers to 1 of the input's 1 questions" in lines[0]
    assert lines[1].endswith("these questions are not in the input and serve for intervals only: z")


def test_progress_in_a_log_is_a_line_now_and_then_and_one_at_the_end() -> None:
    stream = io.StringIO()
    with Counter("marked", 3, stream) as count:
        for done in (1, 2, 3):
            count(done)
    assert stream.getvalue().startswith("marked 3 of 3 in 0 s (")
    assert stream.getvalue().count("\n") == 1


def test_the_end_of_a_stage_is_always_said() -> None:
    stream = io.StringIO()
    lines = TrainingLines(stream)
    lines(TrainProgress("scorer", 1, 2, seconds=1))
    lines(TrainProgress("scorer", 2, 2, 0.5, 0.25, 1e-4, seconds=65, memory_bytes=2_000_000_000))
    assert stream.getvalue() == "scorer 2/2, loss 0.5000, held out 0.2500, rate 1.00e-04, 1 min 05 s, 2.0 GB\n"


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (3725, "1 h 02 min")])
def test_times_are_said_as_people_say_them(seconds: float, text: str) -> None:
    assert clock(seconds) == text
