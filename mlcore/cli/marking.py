"""Rows of a file to proposals and back: what `python -m mlcore mark` does around the engine. No torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlcore.evaluate import Marker
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
    proposals: dict[int, Proposal] = {}
    for question, places in _by_question(rows).items():
        done = len(proposals)

        def report(more: int, done: int = done) -> None:
            on_progress(done + more)

        # A row's place is its key here: the answer's own id is for people.
        answers = [Answer(str(place), rows[place].answer.text) for place in places]
        marked = engine.mark(question, answers, feedback=feedback, on_progress=report)
        if not feedback:
            marked = [replace(proposal, feedback=None) for proposal in marked]
        proposals.update(zip(places, marked, strict=True))
        on_progress(len(proposals))
    return [proposals[place] for place in range(len(rows))]


def output_line(row: Row, proposal: Proposal) -> str:
    """One line of the output: `points` lie on the row's own scale, from its min_score to its max_score.

    Beyond id, points, max_score and feedback there are `criteria` where the row has a rubric with criteria, and
    `notes` and `unread_characters` where the answer was blank or longer than the model's window.
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
    return json.dumps(body, ensure_ascii=False, allow_nan=False)


def check_marked(marked: Sequence[Example], rows: Sequence[Row], path: Path) -> list[str]:
    """What there is to say about answers that a teacher has marked: how many there are, and which fit no question."""
    asked = {row.question.id for row in rows}
    groups = group_by_question(marked)
    unknown = [key for key in groups if key not in asked]
    known = sum(len(examples) for key, examples in groups.items() if key in asked)
    where = f"{len(groups) - len(unknown)} of the input's {len(asked)} questions"
    lines = [f"{path}: {known} marked answers to {where} were read and checked; they do not change the marks yet."]
    if unknown:
        shown = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        lines.append(f"{path}: these questions are not in the input: {shown}")
    return lines


def _by_question(rows: Sequence[Row]) -> dict[Question, list[int]]:
    """The places of the rows of each question, in the order in which the questions first appear."""
    places: dict[Question, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row.question, []).append(place)
    return places
