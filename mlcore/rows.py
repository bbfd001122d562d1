"""Marked and unmarked answers as JSONL, one JSON object a line, UTF-8.

Required: question, answer. Optional: id, question_id, reference_answer, rubric (text), score, min_score, max_score,
feedback, and beyond the published sets: criteria (list of {id, title, points, description, levels, score}), step,
language, instructions, group, label (a verdict in words). Unknown fields are ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlcore.schemas import Answer, Criterion, Example, Level, MarkedAnswer, Question

# Where a row names no step, its points are as good as continuous.
NO_STEP = 0.01

_GERMAN = frozenset("der die das und ist nicht ein eine wie warum welche wird mit für auf den du bei sich".split())  # noqa: SIM905 (one line)
_ENGLISH = frozenset("the and is not a an how what why which will with for on of you at to in was".split())  # noqa: SIM905 (one line)


class RowError(ValueError):
    """A file or line that cannot be read; the message names both and says what is wrong."""


@dataclass(frozen=True)
class Row:
    """One line: a question, an answer, and what a teacher gave it where the line says so.

    `score` is on the question's scale, from min_points to max_points; None where nobody marked the answer.
    """

    question: Question
    answer: Answer
    score: float | None = None
    feedback: str | None = None
    criterion_points: dict[str, float] | None = None
    group: str = ""
    label: str = ""

    def example(self) -> Example:
        """The row as a marked example.

        Raises:
            ValueError: where it has no score.
        """
        if self.score is None:
            raise ValueError(f"row {self.answer.id} has no score")
        marked = MarkedAnswer(self.answer, self.score, self.feedback, self.criterion_points or {})
        return Example(self.question, marked, self.group, self.label)


def read_rows(path: Path) -> list[Row]:
    """All rows of a JSONL file, in order. Rows without an id are numbered.

    Raises:
        RowError: the file is missing or not UTF-8, a line is not an object or lacks something, a score lies outside
            its range, or two lines have the same id.
    """
    path = Path(path)
    rows: list[Row] = []
    seen: dict[str, int] = {}
    for number, body in _objects(path):
        try:
            row = _row(body, number)
        except (KeyError, TypeError, ValueError) as error:
            raise RowError(f"{path}, line {number}: {_reason(error)}") from error
        if row.answer.id in seen:
            raise RowError(f"{path}, line {number}: the id “{row.answer.id}” was used in line {seen[row.answer.id]}")
        seen[row.answer.id] = number
        rows.append(row)
    return rows


def read_examples(path: Path) -> list[Example]:
    """The marked rows of a file as examples.

    Raises:
        RowError: as `read_rows`; also where a row has no score.
    """
    rows = read_rows(path)
    for row in rows:
        if row.score is None:
            raise RowError(f"{path}: the row “{row.answer.id}” has no score, but every row here needs one")
    return [row.example() for row in rows]


def example_of(body: Mapping[str, Any]) -> Example:
    """One marked row that is in memory already, in the layout of a line.

    Raises:
        RowError: it lacks something, or its score lies outside its range.
    """
    try:
        return _row(body, 1).example()
    except (KeyError, TypeError, ValueError) as error:
        raise RowError(_reason(error)) from error


def write_rows(path: Path, examples: Iterable[Example]) -> int:
    """Write examples in the layout that `read_rows` takes; the number of rows. The file appears whole or not at all."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.tmp")
    lines = [json.dumps(_body(example), ensure_ascii=False) + "\n" for example in examples]
    temporary.write_text("".join(lines), encoding="utf-8")
    temporary.replace(path)
    return len(lines)


def guess_language(text: str) -> str:
    """“de” where German function words outnumber the English ones, otherwise “en”."""
    words = re.findall(r"[a-zäöüß]+", text.lower())
    german = sum(word in _GERMAN for word in words)
    return "de" if german > sum(word in _ENGLISH for word in words) else "en"


def faults(path: Path, most: int = 50) -> list[str]:
    """What is wrong with a file of marked rows, line by line: at most so many sentences, each naming its line.

    Raises:
        RowError: the file itself cannot be read.
    """
    found: list[str] = []
    seen: dict[str, int] = {}
    for number, line in _lines(path):
        try:
            row = _row(_object(line), number)
            if row.score is None:
                raise ValueError(f"the row “{row.answer.id}” has no score, but every row here needs one")
            if row.answer.id in seen:
                raise ValueError(f"the id “{row.answer.id}” was used in line {seen[row.answer.id]}")
        except (KeyError, TypeError, ValueError) as error:
            found.append(f"line {number}: {_reason(error)}")
        else:
            seen[row.answer.id] = number
        if len(found) == most:
            break
    return found


def _objects(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in _lines(path):
        try:
            yield number, _object(line)
        except ValueError as error:
            raise RowError(f"{path}, line {number}: {error}") from error


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that hold something, with their numbers."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RowError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RowError(f"{path} is not UTF-8 (byte {error.start})") from error
    # Only line feeds end a row: str.splitlines would also split at separators that may stand inside an answer.
    return ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())


def _object(line: str) -> Mapping[str, Any]:
    try:
        body = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not readable JSON ({error})") from error
    if not isinstance(body, dict):
        raise ValueError("not a JSON object")
    return body


def _row(body: Mapping[str, Any], number: int) -> Row:
    question = _question(body)
    criteria = _entries(body, "criteria")
    points = {
        _criterion_id(entry, i): _number(entry, "score") for i, entry in enumerate(criteria) if _has(entry, "score")
    }
    score = _number(body, "score") if _has(body, "score") else None
    if score is not None and not question.min_points <= score <= question.max_points:
        raise ValueError(f"score {score} lies outside {question.min_points} to {question.max_points}")
    feedback = body.get("feedback")
    return Row(
        question=question,
        answer=Answer(str(body.get("id") or number), _text(body, "answer")),
        score=score,
        feedback=feedback if isinstance(feedback, str) and feedback.strip() else None,
        criterion_points=points or None,
        group=str(body.get("group") or _set_of(question.id)),
        label=str(body.get("label") or ""),
    )


def _question(body: Mapping[str, Any]) -> Question:
    text = _text(body, "question")
    criteria = tuple(_criterion(entry, i) for i, entry in enumerate(_entries(body, "criteria")))
    instructions = [part for key in ("rubric", "instructions") if (part := _optional_text(body, key))]
    return Question(
        id=str(body.get("question_id") or text),
        text=text,
        reference_answer=_optional_text(body, "reference_answer"),
        max_points=_number(body, "max_score") if _has(body, "max_score") else 1.0,
        min_points=_number(body, "min_score") if _has(body, "min_score") else 0.0,
        step=_number(body, "step") if _has(body, "step") else NO_STEP,
        language=str(body.get("language") or guess_language(text)),
        instructions="\n".join(instructions),
        criteria=criteria,
    )


def _criterion(entry: Mapping[str, Any], index: int) -> Criterion:
    levels = tuple(Level(_number(level, "points"), _text(level, "description")) for level in _entries(entry, "levels"))
    title, description = _text(entry, "title"), _optional_text(entry, "description")
    return Criterion(_criterion_id(entry, index), title, _number(entry, "points"), description, levels)


def _criterion_id(entry: Mapping[str, Any], index: int) -> str:
    return str(entry.get("id") or index + 1)


def _body(example: Example) -> dict[str, Any]:
    question, marked = example.question, example.marked
    return {
        "id": marked.answer.id,
        "question_id": question.id,
        "question": question.text,
        "reference_answer": question.reference_answer,
        "instructions": question.instructions,
        "criteria": [_criterion_body(entry, marked.criterion_points) for entry in question.criteria],
        "answer": marked.answer.text,
        "score": marked.points,
        "min_score": question.min_points,
        "max_score": question.max_points,
        "step": question.step,
        "language": question.language,
        "feedback": marked.feedback,
        "group": example.group,
        **({"label": example.label} if example.label else {}),
    }


def _criterion_body(criterion: Criterion, points: Mapping[str, float]) -> dict[str, Any]:
    return {
        "id": criterion.id,
        "title": criterion.title,
        "points": criterion.points,
        "description": criterion.description,
        "levels": [{"points": level.points, "description": level.description} for level in criterion.levels],
        "score": points.get(criterion.id),
    }


def _set_of(question_id: str) -> str:
    """The published sets name their questions “set/question”."""
    head, slash, _ = question_id.partition("/")
    return head if slash else ""


def _has(body: Mapping[str, Any], key: str) -> bool:
    return body.get(key) is not None


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body[key]
    if not isinstance(value, str):
        raise ValueError(f"“{key}” must be text")
    # JSON may spell half of a surrogate pair, which no tokenizer takes and no file can hold.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _entries(body: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = body.get(key) or []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ValueError(f"“{key}” must be a list of objects")
    return value


def _optional_text(body: Mapping[str, Any], key: str) -> str:
    return _text(body, key) if _has(body, key) else ""


def _number(body: Mapping[str, Any], key: str) -> float:
    value = body[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        raise ValueError(f"“{key}” must be a number")
    return float(value)


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"“{error.args[0]}” is missing"
    return str(error)
