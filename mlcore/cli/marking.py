"""Rows of a file to proposals and back: what `python -m mlcore mark` does around the engine. No torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlcore.evaluate import Marker
from mlcore.marked import Corrected, correct
from mlcore.points import points_of
from mlcore.rows import Row
from mlcore.schemas import Answer, Example, Proposal, Question, group_by_question


def mark_rows(
    engine: Marker, rows: Sequence[Row], *, feedback: bool, on_progress: Callable[[int], None]
) -> list[Proposal]:
    """One proposal a row, in the order of the rows.

    Rows that agree in all of the question (its id, text, reference answer, rubric and points) are marked together, so
    that what they share is computed once. Without `feedback` no proposal has any, not even a blank answer's reason,
    which its notes give too. `on_progress` gets the number of rows that are done.
    """
    return _mark(engine, rows, None, feedback, on_progress)


def _mark(
    engine: Marker,
    rows: Sequence[Row],
    points: Sequence[float] | None,
    feedback: bool,
    on_progress: Callable[[int], None],
) -> list[Proposal]:
    proposals: dict[int, Proposal] = {}
    for question, places in _by_question(rows).items():
        done = len(proposals)

        def report(more: int, done: int = done) -> None:
            on_progress(done + more)

        # A row's place is its key here: the answer's own id is for people.
        answers = [Answer(str(place), rows[place].answer.text) for place in places]
        given = {str(place): points[place] for place in places} if points is not None else None
        marked = engine.mark(question, answers, feedback=feedback, points=given, on_progress=report)
        if not feedback:
            marked = [replace(proposal, feedback=None) for proposal in marked]
        proposals.update(zip(places, marked, strict=True))
        on_progress(len(proposals))
    return [proposals[place] for place in range(len(rows))]


def output_line(row: Row, proposal: Proposal, corrected: Corrected | None = None) -> str:
    """One line of the output: `points` lie on the row's own scale, from its min_score to its max_score.

    Beyond id, points, max_score and feedback there are `criteria` where the row has a rubric with criteria, and
    `notes` and `unread_characters` where the answer was blank or longer than the model's window. Where there were
    marks to learn from, `basis` says what the points are made of, and `interval` [low, high] in points holds the
    teacher's mark nine times out of ten; there is none where the marks are too few for that promise.
    """
    body: dict[str, Any] = {
        "id": row.answer.id,
        "points": proposal.points,
        "max_score": row.question.max_points,
        "feedback": proposal.feedback,
    }
    if proposal.criteria:
        body["criteria"] = [{"id": score.criterion_id, "points": score.points} for score in proposal.criteria]
    if proposal.notes:
        body["notes"] = sorted(proposal.notes)
    if proposal.unread_characters:
        body["unread_characters"] = proposal.unread_characters
    if corrected is not None:
        body["basis"] = corrected.made
        if corrected.interval is not None:
            body["interval"] = list(corrected.interval)
            body["interval_basis"] = corrected.margin.basis
    return json.dumps(body, ensure_ascii=False, allow_nan=False)


def corrected_rows(
    engine: Marker,
    rows: Sequence[Row],
    marked: Sequence[Example],
    *,
    feedback: bool,
    on_progress: Callable[[int], None],
) -> tuple[list[Proposal], list[Corrected]]:
    """Proposals corrected by a teacher's marks, and what they are made of, in the order of the rows.

    The model reads the marked answers too. Feedback and the points of criteria are worked out for the corrected points,
    so that they agree with them.
    """
    known = [Row(example.question, example.marked.answer) for example in marked]
    read = mark_rows(engine, [*rows, *known], feedback=False, on_progress=on_progress)
    proposals = read[: len(rows)]
    found = correct(rows, proposals, marked, read[len(rows) :])
    points = [
        proposal.points if entry.score == proposal.score else points_of(entry.score, row.question)
        for row, proposal, entry in zip(rows, proposals, found, strict=True)
    ]
    if feedback or any(row.question.criteria for row in rows):
        done = len(rows) + len(known)
        final = _mark(engine, rows, points, feedback, lambda more: on_progress(done + more))
    else:
        final = [replace(proposal, points=value) for proposal, value in zip(proposals, points, strict=True)]
    return final, found


def work_of(rows: Sequence[Row], marked: Sequence[Example], *, feedback: bool) -> int:
    """How many answers are read in all: the marked ones too, and the others again where their points decide more."""
    again = bool(marked) and (feedback or any(row.question.criteria for row in rows))
    return len(rows) * (2 if again else 1) + len(marked)


def about_marked(marked: Sequence[Example], rows: Sequence[Row], path: Path) -> list[str]:
    """What there is to say about answers that a teacher has marked: how many there are, and which fit no question."""
    asked = {row.question.id for row in rows}
    groups = group_by_question(marked)
    unknown = [key for key in groups if key not in asked]
    known = sum(len(examples) for key, examples in groups.items() if key in asked)
    where = f"{len(groups) - len(unknown)} of the input's {len(asked)} questions"
    lines = [f"{path}: proposals are corrected by {known} marked answers to {where}, as far as these support it."]
    if unknown:
        shown = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        lines.append(f"{path}: these questions are not in the input and serve for intervals only: {shown}")
    return lines


def _by_question(rows: Sequence[Row]) -> dict[Question, list[int]]:
    """The places of the rows of each question, in the order in which the questions first appear."""
    places: dict[Question, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row.question, []).append(place)
    return places
