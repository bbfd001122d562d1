"""An evaluation as one HTML page that needs nothing else: tables, intervals, and three plots. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mlcore.card import FLOORS, TEXT_FIGURES, figure
from mlcore.plots import calibration_plot, error_bars, scatter
from mlcore.threeway import LABELS

MARK_COLUMNS = {
    "mae_percent": "MAE %",
    "rmse": "RMSE",
    "qwk": "QWK",
    "pearson": "Pearson",
    "smd": "SMD",
    "within_3_percent": "within 3 %",
    "within_10_percent": "within 10 %",
}
TEXT_COLUMNS = {**TEXT_FIGURES, "contradiction_percent": "contradicts, %", "opposite_percent": "opposite, %"}
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2430; margin: 2rem auto; max-width: 62rem; padding: 0 1rem }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: .25rem .7rem; border-bottom: 1px solid #dfe3ea; white-space: nowrap }
th:first-child, td:first-child { text-align: left; white-space: normal }
small { color: #5b6575; display: block } .plots { display: flex; flex-wrap: wrap; gap: 1.5rem }
svg text { font: 11px system-ui, sans-serif; fill: #414b5a } svg .middle { text-anchor: middle }
svg .end { text-anchor: end } .grid { stroke: #e6e9ef } .agree { stroke: #8a94a6; stroke-dasharray: 4 4 }
.dot { fill: #1f5fbf; fill-opacity: .35 } .bin { fill: #1f5fbf; fill-opacity: .6 } .bar { fill: #1f5fbf }
"""


def evaluation_page(
    result: Mapping[str, Any], given: Sequence[float], predicted: Sequence[float], *, title: str, data: Sequence[str]
) -> str:
    """The whole page.

    Args:
        result: what `mlcore.study.study` returned.
        given: the teacher's scores in [0, 1].
        predicted: the proposed ones, in the same order.
        title: the model's name.
        data: names of what was measured on.
    """
    counted = f"{result['n']} answers to {len(result['per_question'])} questions of {', '.join(data)}."
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(counted)} {escape(how_drawn(result))}</p>",
        "<h2>Marks</h2>",
        _table(MARK_COLUMNS, {"this model": result, **_rivals(result)}),
        *_three_way(result),
        *_feedback(result),
        "<h2>Plots</h2>",
        f'<div class="plots">{scatter(given, predicted)}{calibration_plot(result["calibration"])}</div>',
        f"<p>{error_bars(result['per_question'])}</p>",
        "<h2>By question</h2>",
        _table({"n": "n", **MARK_COLUMNS}, result["per_question"]),
    ]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(parts) + "\n</body></html>\n"


def how_drawn(result: Mapping[str, Any]) -> str:
    """A sentence on the intervals."""
    how = result.get("bootstrap") or {}
    if not how.get("draws"):
        return "No intervals were drawn."
    what = "whole questions, as these are unseen" if how["unit"] == "questions" else "single answers"
    drawn = f"{how['draws']} bootstrap draws of {what} (seed {how['seed']})"
    rough = (
        " So few questions make them rough." if how["unit"] == "questions" and len(result["per_question"]) < 10 else ""
    )
    return f"Below each figure its {100 * how['level']:g} % interval, from {drawn}.{rough}"


def _rivals(result: Mapping[str, Any]) -> dict[str, Any]:
    return {FLOORS[name]: entry for name, entry in result["floors"].items() if name != "nearest_feedback"}


def _three_way(result: Mapping[str, Any]) -> list[str]:
    rows = {
        name: _flat(entry["three_way"])
        for name, entry in {"this model": result, **_rivals(result)}.items()
        if entry.get("three_way")
    }
    if not rows:
        return []
    columns = {
        "macro_f1": "3-way macro-F1",
        "accuracy": "accuracy",
        **{label: f"F1 {label}" for label in LABELS},
        "two_f1": "2-way macro-F1",
        "two_accuracy": "2-way accuracy",
    }
    how = (
        "The score is cut into three bands. Thresholds, and which wrong verdict has the middle band, are fitted on the "
        "marked rows of other questions than the one that is judged."
    )
    return ["<h2>Verdicts from score bands</h2>", f"<p>{how}</p>", _table(columns, rows)]


def _flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    two = entry["two_way"]
    return {**entry, **entry["f1"], "two_f1": two["macro_f1"], "two_accuracy": two["accuracy"]}


def _feedback(result: Mapping[str, Any]) -> list[str]:
    texts = result["feedback"]
    if not texts:
        return []
    rows = {"this model": texts}
    if rival := result["floors"].get("nearest_feedback"):
        rows[FLOORS["nearest_feedback"]] = rival
    if texts.get("teachers"):
        rows["the teachers' own"] = texts["teachers"]
    parts = ["<h2>Feedback</h2>", _table(TEXT_COLUMNS, rows)]
    if verdicts := result.get("verdicts"):
        parts.append(
            f"<p>Contradictions are found by a classifier of verdicts, learnt from {verdicts['learnt_from']} texts of "
            f"teachers; on questions that it has not seen it is right in {100 * verdicts['accuracy']:.0f} % of texts. "
            "Counted is where it is at least 80 % sure of another verdict than the points'; the line of the teachers' "
            "own texts shows how often it is sure and wrong.</p>"
        )
    return parts


def _table(columns: Mapping[str, str], rows: Mapping[str, Mapping[str, Any]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in ["", *columns.values()])
    body = "".join(
        f"<tr><td>{escape(name)}</td>{''.join(_cell(row, key) for key in columns)}</tr>" for name, row in rows.items()
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    shown = str(value) if isinstance(value, int) else figure(value)
    edges = (row.get("intervals") or {}).get(key)
    return f"<td>{shown}{f'<small>{figure(edges[0])} … {figure(edges[1])}</small>' if edges else ''}</td>"
