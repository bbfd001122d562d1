"""From files of marked rows to what is trained on, held out and measured: no torch."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mlcore.config import Part, TrainConfig
from mlcore.hardening import attacks
from mlcore.prompts import Piece, criterion_request, feedback_request, score_request
from mlcore.rows import RowError, read_examples
from mlcore.schemas import Example, Question, group_by_question

# Below so many questions in a set, single answers are held out instead of whole questions.
_FEW_QUESTIONS = 4
_LEAST_EXAMPLES = 8


class TrainingDataError(ValueError):
    """Rows that cannot be trained on; the message names the file and says what is missing."""


@dataclass(frozen=True)
class Item:
    """One thing to learn from one answer: a score in [0, 1], or feedback to write."""

    question: Question
    answer: str
    request: tuple[Piece, ...]
    target: float = 0.0
    completion: str = ""
    group: str = ""


# What belongs to a set of rows: an item or a row.
Grouped = TypeVar("Grouped", Item, Example)


@dataclass(frozen=True)
class TrainingData:
    """Rows by what they are for.

    `unseen` are rows of questions that are not trained on; `seen` other answers to questions that are. `files` are the
    SHA-256 of the files by name.
    """

    train: tuple[Example, ...]
    unseen: tuple[Example, ...]
    seen: tuple[Example, ...]
    files: dict[str, str]


def load_training_data(config: TrainConfig) -> TrainingData:
    """Read the files of a configuration and hold out a share of the questions of each set.

    Raises:
        TrainingDataError: a file cannot be read, or too little is left to train on.
    """
    rows = _read(config.train_files)
    held_out = held_out_questions(rows, config.validation_share, config.seed)
    train = [row for row in rows if row.question.id not in held_out]
    unseen = [row for row in rows if row.question.id in held_out]
    train, seen = _hold_answers(train, unseen, config)
    trained = {row.question.id for row in train}
    for row in _read(config.validation_files):
        (seen if row.question.id in trained else unseen).append(row)
    if len(train) < _LEAST_EXAMPLES:
        raise TrainingDataError(
            f"{len(train)} marked answers are left to train on, at least {_LEAST_EXAMPLES} are needed"
        )
    files = {_label(path): _sha256(path) for path in (*config.train_files, *config.validation_files)}
    return TrainingData(tuple(train), tuple(unseen), tuple(seen), files)


def held_out_questions(rows: Sequence[Example], share: float, seed: int) -> frozenset[str]:
    """The ids of the questions to hold out: `share` of those of each set, none of a set with fewer than four."""
    by_set: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        by_set[row.group].add(row.question.id)
    held: set[str] = set()
    for name, ids in sorted(by_set.items()):
        if share > 0 and len(ids) >= _FEW_QUESTIONS:
            order = sorted(ids)
            _order(f"{seed}:{name}").shuffle(order)
            held.update(order[: max(1, round(share * len(order)))])
    return frozenset(held)


def whole_items(rows: Iterable[Example]) -> list[Item]:
    """A request for the whole score of each answer, blank or not, in the order of the rows."""
    return [_item(row, score_request(), row.score) for row in rows]


def scorer_items(rows: Iterable[Example]) -> list[Item]:
    """A request for the whole score of each answer, and one for each criterion that a teacher gave points for."""
    items = []
    for row in rows:
        items.append(_item(row, score_request(), row.score))
        for criterion in row.question.criteria:
            points = row.marked.criterion_points.get(criterion.id)
            if points is not None and criterion.points > 0:
                target = min(1.0, max(0.0, points / criterion.points))
                items.append(_item(row, criterion_request(criterion), target))
    return [item for item in items if item.answer.strip()]


def attack_items(rows: Sequence[Example], share: float, seed: int) -> list[Item]:
    """Attacks on that share of the rows, each in the set of its question; see `mlcore.hardening`."""
    groups = {row.question.id: row.group for row in rows}
    return [
        Item(question, text, tuple(score_request()), target, group=groups[question.id])
        for question, text, target in attacks(rows, share, seed)
    ]


def feedback_items(rows: Iterable[Example]) -> list[Item]:
    """The feedback that a teacher wrote, with the points that the teacher gave told in the request."""
    items = []
    for row in rows:
        text = (row.marked.feedback or "").strip()
        if text and row.marked.answer.text.strip():
            request = feedback_request(row.question, row.marked.points)
            items.append(_item(row, request, row.score, completion=text))
    return items


def items_for(part: Part, rows: Iterable[Example]) -> list[Item]:
    """What a part learns from these rows."""
    return scorer_items(rows) if part == "scorer" else feedback_items(rows)


def sample_evenly(items: Sequence[Grouped], limit: int, seed: int) -> list[Grouped]:
    """At most `limit` items or rows (0: all), as many of each set where they are large enough, in a fixed order."""
    if not limit or len(items) <= limit:
        return list(items)
    by_set: dict[str, list[Grouped]] = defaultdict(list)
    for item in items:
        by_set[item.group].append(item)
    chosen: list[Grouped] = []
    queues = [_order(f"{seed}:{name}").sample(group, len(group)) for name, group in sorted(by_set.items())]
    for left, queue in zip(range(len(queues), 0, -1), sorted(queues, key=len), strict=True):
        chosen += queue[: (limit - len(chosen)) // left]
    return chosen


def _order(seed: str) -> random.Random:
    """A source of orders that are the same for the same seed."""
    return random.Random(seed)  # noqa: S311 (nothing here is secret)


def _item(row: Example, request: list[Piece], target: float, completion: str = "") -> Item:
    return Item(row.question, row.marked.answer.text, tuple(request), target, completion, row.group)


def _hold_answers(
    train: list[Example], unseen: list[Example], config: TrainConfig
) -> tuple[list[Example], list[Example]]:
    """With too few questions to hold any out, and no other validation rows, a share of the answers is held out."""
    if unseen or config.validation_files or not config.validation_share:
        return train, []
    kept: list[Example] = []
    held: list[Example] = []
    for question_id, rows in group_by_question(train).items():
        order = _order(f"{config.seed}:{question_id}").sample(rows, len(rows))
        count = round(config.validation_share * len(order))
        held += order[:count]
        kept += order[count:]
    return kept, held


def _read(files: Iterable[Path]) -> list[Example]:
    rows: list[Example] = []
    for path in files:
        try:
            rows += read_examples(path)
        except RowError as error:
            raise TrainingDataError(str(error)) from error
    return rows


def _label(path: Path) -> str:
    """A file's name with its folder's: enough to tell the sets apart, and nothing of this machine."""
    return "/".join(path.absolute().parts[-2:])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
