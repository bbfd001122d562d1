"""What the page of a pilot shows: its papers, and beside them what an earlier pilot proposed for the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from grading.models import Pilot, PilotPaper

_PARTS: dict[str, str | Promise] = {
    "question": _("question"),
    "reference_answer": _("reference answer"),
    "instructions": _("marking instructions"),
    "max_points": _("maximum of points"),
    "step": _("step of points"),
    "criteria": _("rubric"),
}


@dataclass(frozen=True)
class Change:
    """A part of the assignment that differs between two pilots."""

    part: str | Promise
    before: str
    after: str


@dataclass(frozen=True)
class PaperRow:
    """One paper: what is proposed now, and what an earlier pilot proposed, None where there is none."""

    paper: PilotPaper
    earlier: PilotPaper | None
    criteria: tuple[tuple[str, Decimal, Decimal | None], ...]

    @property
    def moved(self) -> Decimal | None:
        """By how many points the proposal differs from the earlier one."""
        if self.earlier is None or self.earlier.points is None or self.paper.points is None:
            return None
        return self.paper.points - self.earlier.points


def changes(pilot: Pilot, earlier: Pilot) -> list[Change]:
    pairs = ((words, _told(earlier.snapshot, key), _told(pilot.snapshot, key)) for key, words in _PARTS.items())
    return [Change(words, before, after) for words, before, after in pairs if before != after]


def paper_rows(pilot: Pilot, earlier: Pilot | None) -> list[PaperRow]:
    before = {paper.submission_id: paper for paper in earlier.papers.all()} if earlier else {}
    rows = pilot.papers.select_related("submission__student").order_by("submission_id")
    return [_row(pilot, paper, earlier, before.get(paper.submission_id)) for paper in rows]


def _row(pilot: Pilot, paper: PilotPaper, earlier: Pilot | None, beside: PilotPaper | None) -> PaperRow:
    old = _criteria(earlier, beside) if earlier and beside else {}
    criteria = tuple((title, points, old.get(title)) for title, points in _criteria(pilot, paper).items())
    return PaperRow(paper, beside, criteria)


def _criteria(pilot: Pilot, paper: PilotPaper) -> dict[str, Decimal]:
    titles = [entry["title"] for entry in pilot.snapshot["criteria"]]
    return {title: Decimal(points) for title, points in zip(titles, paper.criteria, strict=False)}


def _told(snapshot: Mapping[str, Any], key: str) -> str:
    """One part of a snapshot as lines of text."""
    if key != "criteria":
        return str(snapshot.get(key, ""))
    lines = []
    for entry in snapshot.get(key, []):
        lines.append(f"{entry['title']} ({entry['points']}): {entry['description']}".rstrip(": "))
        lines += [f"  {level['points']}: {level['description']}" for level in entry["levels"]]
    return "\n".join(lines)
