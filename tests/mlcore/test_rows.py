"""JSONL rows in and out, and errors that name file and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcore.rows import NO_STEP, RowError, guess_language, read_examples, read_rows, write_rows
from mlcore.schemas import Answer, Criterion, Example, Level, MarkedAnswer, Question

ROW = {"id": "1", "question_id": "set/q", "question": "Why?", "answer": "Because.", "score": 1.5, "max_score": 2.0}


def _file(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_row_of_the_published_sets_is_read(tmp_path: Path) -> None:
    row = read_rows(_file(tmp_path, {**ROW, "rubric": "be kind", "label": "x", "feedback": " ", "min_score": 0.0}))[0]
    assert (row.score, row.feedback, row.group, row.question.step) == (1.5, None, "set", NO_STEP)
    assert row.question.instructions == "be kind"
    assert row.example().score == 0.75


def test_a_row_without_marks_is_read_but_is_no_example(tmp_path: Path) -> None:
    path = _file(tmp_path, {"question": "Why?", "answer": "Because."})
    assert read_rows(path)[0].score is None
    with pytest.raises(RowError, match="has no score"):
        read_examples(path)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    levels = (Level(1.0, "all"), Level(0.0, "nothing"))
    question = Question(
        "s/q", "Warum?", "Darum.", 3.0, 0.0, 0.5, "de", "streng", (Criterion("c", "C", 3.0, "d", levels),)
    )
    marked = MarkedAnswer(Answer("a", "line\u2028separator \x85 and “quotes”"), 2.5, "Gut.", {"c": 2.5})
    examples = [Example(question, marked, "s")]
    assert write_rows(tmp_path / "out.jsonl", examples) == 1
    assert read_examples(tmp_path / "out.jsonl") == examples


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({**ROW, "score": 3}, "outside 0.0 to 2.0"),
        ({**ROW, "score": "2"}, "“score” must be a number"),
        ({**ROW, "score": float("nan")}, "must be a number"),
        ({**ROW, "answer": 3}, "“answer” must be text"),
        ({"answer": "x"}, "“question” is missing"),
        ({**ROW, "max_score": 0, "score": 0}, "must be above the minimum"),
        ({**ROW, "step": 0}, "must be positive"),
        ({**ROW, "criteria": [{"points": 1}]}, "“title” is missing"),
        ([], "not a JSON object"),
    ],
)
def test_a_bad_row_is_refused_by_file_and_line(tmp_path: Path, row: object, words: str) -> None:
    with pytest.raises(RowError, match=r"rows\.jsonl, line 2") as caught:
        read_rows(_file(tmp_path, {**ROW, "id": "0"}, row))
    assert words in str(caught.value)


def test_the_same_id_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="was used in line 1"):
        read_rows(_file(tmp_path, ROW, ROW))


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes('{"question": "Größe?"}'.encode("latin-1"))
    with pytest.raises(RowError, match="not UTF-8"):
        read_rows(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="cannot be read"):
        read_rows(tmp_path / "nothing.jsonl")


@pytest.mark.parametrize(
    ("text", "language"),
    [("Wie wird die Spannung gemessen?", "de"), ("What is the voltage of the bulb?", "en"), ("3 + 4 = ?", "en")],
)
def test_the_language_is_guessed(text: str, language: str) -> None:
    assert guess_language(text) == language


def test_half_of_a_surrogate_pair_is_replaced_and_a_whole_one_kept(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"question": "Why?", "answer": "a\\\\ud83d b\\\\ud83d\\\\ude00"}\n'.replace("\\\\", "\\"), encoding="utf-8"
    )
    assert read_rows(path)[0].answer.text == "a\ufffd b😀"
