"""Measured figures of model versions, made ready for tables: named, rounded, and compared in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from mlcore.card import TEXT_FIGURES


@dataclass(frozen=True)
class Measure:
    """`aim` is what a perfect marker reaches: "low" (0 is best), "high", or "zero" (too generous and too strict are
    both wrong). `digits` stand behind the decimal sign on a page."""

    key: str
    label: str | Promise
    meaning: str | Promise
    aim: str
    digits: int = 3

    def words(self, value: float | None) -> str:
        """A figure for people, with the decimal sign of their language; a dash for what is undefined."""
        if value is None:
            return "–"
        # Rounded here, as number_format only cuts off; and + 0.0 makes -0.0 a plain zero.
        return number_format(round(value, self.digits) + 0.0, decimal_pos=self.digits)

    def better(self, mine: float, theirs: float) -> bool:
        if self.aim == "high":
            return mine > theirs
        return abs(mine) < abs(theirs)


SCORE_MEASURES = (
    # xgettext:no-python-format
    Measure("mae_percent", _("MAE, % of the maximum"), _("how far off on average; lower is better"), "low", 1),
    Measure("rmse", _("RMSE, 0 to 1"), _("the same, but far-off marks weigh more; lower is better"), "low"),
    Measure("within_10_percent", _("within 10 %"), _("share of marks no further off; higher is better"), "high"),
    Measure("qwk", _("QWK"), _("agreement beyond chance, 1 is perfect; higher is better"), "high"),
    Measure("pearson", _("Pearson"), _("does it rank answers as the teacher does; higher is better"), "high"),
    Measure("smd", _("SMD"), _("above 0 too generous, below 0 too strict; nearer to 0 is better"), "zero"),
)
TEXT_MEASURES = tuple(Measure(key, label, "", "high", 1) for key, label in TEXT_FIGURES.items())
_BY_KEY = {measure.key: measure for measure in SCORE_MEASURES}
RIVALS: dict[str, str | Promise] = {
    "training_mean": _("always the training mean"),
    "question_mean": _("always the question's mean"),
    "ridge": _("TF-IDF + ridge"),
}
NEAREST: dict[str, str | Promise] = {"nearest_feedback": _("feedback of the nearest answer")}
WORDS: dict[str, str | Promise] = {
    "better": _("better"),
    "worse": _("worse"),
    "same": _("the same"),
    "ahead": _("does better"),
}


@dataclass(frozen=True)
class Cell:
    """One figure in words; `verdict` says how it does beside the other column: better, worse, same or nothing; of a
    rival only "ahead", where it beats the version."""

    text: str
    verdict: str = ""

    @property
    def words(self) -> str:
        return str(WORDS.get(self.verdict, ""))


@dataclass(frozen=True)
class Line:
    measure: Measure
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    heads: tuple[str | Promise, ...]
    lines: tuple[Line, ...]

    @property
    def rows(self) -> list[tuple[Measure, list[tuple[str | Promise, Cell]]]]:
        """Each line's measure, and its cells with the head of their column: a phone shows it beside the figure."""
        return [(line.measure, list(zip(self.heads, line.cells, strict=True))) for line in self.lines]


@dataclass(frozen=True)
class Measured:
    """What was measured on one data set: marks beside the cheap rivals, and feedback where some was compared."""

    name: str
    n: int
    marks: Table
    feedback: Table | None


def measured_sets(metrics: Mapping[str, Any]) -> list[Measured]:
    """The data sets that a version was measured on; other entries of its metrics are left out."""
    return [_measured(name, entry) for name, entry in metrics.items() if isinstance(entry, Mapping) and entry.get("n")]


def _measured(name: str, entry: Mapping[str, Any]) -> Measured:
    feedback = entry.get("feedback")
    return Measured(
        name=name,
        n=int(entry["n"]),
        marks=_beside_rivals(SCORE_MEASURES, entry, entry.get("floors") or {}, RIVALS),
        feedback=_beside_rivals(TEXT_MEASURES, feedback, entry.get("floors") or {}, NEAREST) if feedback else None,
    )


def _beside_rivals(
    measures: Sequence[Measure],
    mine: Mapping[str, Any],
    floors: Mapping[str, Any],
    rivals: Mapping[str, str | Promise],
) -> Table:
    """The version's own column and one for each rival that was measured, with what beats it marked."""
    known = [key for key in rivals if floors.get(key)]
    lines = []
    for measure in measures:
        own = mine.get(measure.key)
        others = [_rival(measure, floors[key].get(measure.key), own) for key in known]
        lines.append(Line(measure, (Cell(measure.words(own)), *others)))
    return Table((_("this version"), *(rivals[key] for key in known)), tuple(lines))


def _rival(measure: Measure, value: float | None, beside: float | None) -> Cell:
    return Cell(measure.words(value), "ahead" if verdict(measure, value, beside) == "better" else "")


def _cell(measure: Measure, value: float | None, beside: float | None) -> Cell:
    return Cell(measure.words(value), verdict(measure, value, beside))


def verdict(measure: Measure, value: float | None, beside: float | None) -> str:
    """How `value` does beside the other: what looks the same on the page is the same."""
    if value is None or beside is None:
        return ""
    if measure.words(value) == measure.words(beside):
        return "same"
    return "better" if measure.better(value, beside) else "worse"


def compared(evaluation: Mapping[str, Any]) -> Table | None:
    """A version beside the one that was in use when it was measured, on the same held-out answers; None where the
    two were not measured together."""
    mine, theirs = evaluation.get("candidate"), evaluation.get("in_use")
    if not mine or not theirs:
        return None
    lines = [_compared_line(measure, mine, theirs) for measure in SCORE_MEASURES]
    texts = mine.get("feedback"), theirs.get("feedback")
    if texts[0] and texts[1]:
        lines += [_compared_line(measure, texts[0], texts[1]) for measure in TEXT_MEASURES]
    return Table((_("this version"), evaluation.get("in_use_name") or _("in use then")), tuple(lines))


def _compared_line(measure: Measure, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Line:
    own, other = mine.get(measure.key), theirs.get(measure.key)
    return Line(measure, (_cell(measure, own, other), Cell(measure.words(other))))


@dataclass(frozen=True)
class Headline:
    """The few figures that a list shows, and on what they were measured."""

    mae: str
    rmse: str
    qwk: str
    n: int
    data: str | Promise


def headline(evaluation: Mapping[str, Any], metrics: Mapping[str, Any]) -> Headline | None:
    """A version's figures on the answers held out of its training; otherwise on the first set it was measured on."""
    sets: list[tuple[str | Promise, Any]] = [(_("held-out answers"), evaluation.get("candidate")), *metrics.items()]
    for name, entry in sets:
        if isinstance(entry, Mapping) and entry.get("n"):
            mae, rmse, qwk = (_BY_KEY[key].words(entry.get(key)) for key in ("mae_percent", "rmse", "qwk"))
            return Headline(mae, rmse, qwk, int(entry["n"]), name)
    return None
