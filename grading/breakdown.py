"""Where a candidate differs from the version in use: by course, question, language and length, and answer by answer.

The scores of the held-out answers are kept with the version by the ids of their rows; what belongs to an id is read
from the training examples, so that nothing that was deleted since is shown.
"""

from __future__ import annotations

import random
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from courses.models import Language
from grading.models import ExampleSplit, ExampleState, ModelVersion, TrainingExample, TrainingRun
from mlcore.beside import QuestionBeside, compare_errors

SHOWN = 3
# Words in an answer up to which it belongs to a band of length.
_BANDS: tuple[tuple[int, str | Promise], ...] = (
    (15, _("up to 15 words")),
    (50, _("16 to 50 words")),
    (150, _("51 to 150 words")),
    (10**9, _("more than 150 words")),
)


@dataclass(frozen=True)
class HeldOut:
    """One held-out answer with the teacher's mark and both versions' scores, in [0, 1]."""

    example: TrainingExample
    given: float
    candidate: float
    in_use: float

    @property
    def error(self) -> float:
        return abs(self.candidate - self.given)

    @property
    def words(self) -> int:
        return len(str(self.example.row["answer"]).split())

    def points(self, score: float) -> float:
        row = self.example.row
        least = float(row.get("min_score") or 0)
        return least + score * (float(row["max_score"]) - least)

    @property
    def given_points(self) -> float:
        return self.points(self.given)

    @property
    def candidate_points(self) -> float:
        return self.points(self.candidate)

    @property
    def in_use_points(self) -> float:
        return self.points(self.in_use)


@dataclass(frozen=True)
class Part:
    """The answers that have one thing in common, and what both versions' errors on them amount to."""

    label: str | Promise
    found: QuestionBeside

    @property
    def candidate(self) -> float:
        return 100 * self.found.candidate

    @property
    def in_use(self) -> float:
        return 100 * self.found.in_use


@dataclass(frozen=True)
class Division:
    """All held-out answers, divided by one property."""

    title: str | Promise
    parts: tuple[Part, ...]


def held_out_rows(version: ModelVersion) -> list[HeldOut]:
    """The held-out answers that both versions marked, as far as they are still there."""
    scores = {str(key): (mine, other) for key, mine, other in version.evaluation.get("scores") or ()}
    run = TrainingRun.objects.filter(version=version).first()
    if not scores or run is None:
        return []
    entries = run.run_examples.filter(split=ExampleSplit.HELD_OUT, example__state=ExampleState.ACCEPTED)
    entries = entries.select_related("example__course", "example__training_set").order_by("example")
    return [
        HeldOut(entry.example, entry.example.share or 0.0, *scores[entry.example.row["id"]])
        for entry in entries
        if entry.example is not None and entry.example.row["id"] in scores
    ]


def divisions(rows: Sequence[HeldOut]) -> list[Division]:
    """The ways of dividing the answers in which there is more than one part."""
    languages = dict(Language.choices)
    ways: tuple[tuple[str | Promise, Callable[[HeldOut], Any]], ...] = (
        (_("Course or set"), lambda row: str(row.example.course or row.example.training_set or "–")),
        (_("Assignment"), lambda row: _short(row.example.row["question"])),
        (_("Language"), lambda row: languages.get(row.example.language, row.example.language)),
        (_("Length of the answer"), lambda row: next(words for most, words in _BANDS if row.words <= most)),
    )
    found = [Division(title, _parts(rows, key)) for title, key in ways]
    return [division for division in found if len(division.parts) > 1]


def samples(rows: Sequence[HeldOut]) -> list[tuple[str | Promise, list[HeldOut]]]:
    """The candidate's best, worst and some random marks; the same ones at every look."""
    ordered = sorted(rows, key=lambda row: (row.error, row.example.pk))
    if len(ordered) < 3 * SHOWN:
        return [(_("All held-out answers"), ordered[::-1])] if ordered else []
    middle = random.Random(len(ordered)).sample(ordered[SHOWN:-SHOWN], SHOWN)  # noqa: S311 - only a choice to show
    return [
        (_("Furthest from the teacher"), ordered[: -SHOWN - 1 : -1]),
        (_("By chance"), middle),
        (_("Nearest to the teacher"), ordered[:SHOWN]),
    ]


def _parts(rows: Sequence[HeldOut], key: Callable[[HeldOut], Any]) -> tuple[Part, ...]:
    groups: dict[Any, list[HeldOut]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return tuple(
        Part(label, compare_errors(str(label), _errors(members)))
        for label, members in sorted(groups.items(), key=lambda item: -len(item[1]))
    )


def _errors(rows: Sequence[HeldOut]) -> Any:
    given = np.array([row.given for row in rows])
    return np.abs(np.array([[row.candidate for row in rows], [row.in_use for row in rows]]) - given)


def _short(text: str) -> str:
    return textwrap.shorten(" ".join(text.split()), 90, placeholder=" …")
