"""Evaluations and benchmarks as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlcore.card import FLOORS, TEXT_FIGURES, figure
from mlcore.robustness import MOVEMENT, MOVEMENT_99, NONSENSE, Robustness

_COLUMNS = {
    "n": "n",
    "mae_percent": "MAE %",
    "rmse": "RMSE",
    "qwk": "QWK",
    "pearson": "Pearson",
    "smd": "SMD",
    "within_3_percent": "≤3 %",
    "within_10_percent": "≤10 %",
}
_TEXT_COLUMNS = {"n": "n", **TEXT_FIGURES, "contradiction_percent": "contradicts %", "opposite_percent": "opposite %"}
_VERDICT_COLUMNS = {
    "n": "n",
    "macro_f1": "macro-F1",
    "accuracy": "accuracy",
    "two_f1": "2-way F1",
    "two_accuracy": "2-way",
}


def evaluation_table(result: Mapping[str, Any], *, per_question: bool = True) -> str:
    """What `mlcore.study.study` returned, as aligned text: all rows, the rivals, feedback, verdicts, each question.

    Below each line stand its intervals, where some were drawn.
    """
    rivals = {FLOORS[name]: row for name, row in result["floors"].items() if name != "nearest_feedback"}
    blocks = [_block("marks", _COLUMNS, {"this model": result, **rivals})]
    if result["feedback"]:
        rival = result["floors"].get("nearest_feedback")
        rows = {"this model": result["feedback"], **({FLOORS["nearest_feedback"]: rival} if rival else {})}
        if teachers := result["feedback"].get("teachers"):
            rows["the teachers' own"] = {"n": result["feedback"]["n"], **teachers}
        blocks.append(_block("feedback", _TEXT_COLUMNS, rows))
        if verdicts := result.get("verdicts"):
            share = f"{100 * verdicts['accuracy']:.0f} %"
            blocks.append(
                f"the classifier behind “contradicts” is right in {share} of texts on questions it has not seen"
            )
    if verdict_rows := {
        name: {
            **entry["three_way"],
            **{f"two_{k.removeprefix('macro_')}": v for k, v in entry["three_way"]["two_way"].items()},
        }
        for name, entry in {"this model": result, **rivals}.items()
        if entry.get("three_way")
    }:
        blocks.append(_block("verdicts", _VERDICT_COLUMNS, verdict_rows))
    if per_question and len(result["per_question"]) > 1:
        blocks.append(_block("by question", _COLUMNS, result["per_question"]))
    return "\n\n".join(blocks)


def robustness_table(found: Robustness) -> str:
    """What `mlcore.robustness.measure_robustness` found, as aligned text: in all beside what to reach, and by kind."""
    rows = [
        ["in all", "% of maximum", "to reach"],
        [f"{found.injections} injections: mean movement", _percent(found.movement), f"≤ {_percent(MOVEMENT)}"],
        ["movement in 99 % of cases", _percent(found.movement_99), f"≤ {_percent(MOVEMENT_99)}"],
        ["mean rise (falls count as 0)", _percent(found.rise), ""],
        ["mean mark of nonsense", _percent(found.nonsense), f"≤ {_percent(NONSENSE)}"],
        ["other questions' references flagged", _percent(found.off_topic_flagged), ""],
        [f"{found.honest} honest full-mark answers flagged", _percent(found.honest_flagged), ""],
    ]
    kinds = [[kind, str(entry["n"]), _percent(entry["mean"])] for kind, entry in found.by_kind.items()]
    return "\n\n".join([aligned(rows), aligned([["by kind", "n", "mean, %"], *kinds])])


def flagged_table(found: Mapping[str, Mapping[str, int]]) -> str:
    """What `mlcore.robustness.flagged` counted, as aligned text."""
    notes = sorted({note for entry in found.values() for note in entry} - {"rows"})
    head = ["the teacher gave", "rows", *(note.replace("_", " ") for note in notes), "% flagged"]
    lines = []
    for name, entry in found.items():
        share = sum(entry.get(note, 0) for note in notes) / max(1, entry["rows"])
        lines.append([name, str(entry["rows"]), *(str(entry.get(note, 0)) for note in notes), f"{100 * share:.2f}"])
    return aligned([head, *lines])


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def bench_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """What `mlcore.bench.run_bench` measured, as aligned text."""
    head = ["work", "ours", "peer", "unit", "ratio", "target", ""]
    lines = [
        [
            f"{row['name']}, against {row['peer_name']}",
            *(figure(row[key]) for key in ("ours", "peer")),
            row["unit"],
            *(figure(row[key]) for key in ("ratio", "target")),
            _verdict(row),
        ]
        for row in rows
    ]
    return aligned([head, *lines])


def _verdict(row: Mapping[str, Any]) -> str:
    if row["ratio"] is None:
        return "not measured"
    return "holds" if row["ratio"] >= row["target"] else "missed"


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells in columns: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _block(title: str, columns: Mapping[str, str], rows: Mapping[str, Mapping[str, Any]]) -> str:
    lines = []
    for name, row in rows.items():
        lines.append([_short(name), *(_cell(row.get(key)) for key in columns)])
        if edges := row.get("intervals"):
            lines.append(["", *(_between(edges.get(key)) for key in columns)])
    return aligned([[title, *columns.values()], *lines])


def _between(edges: Sequence[float] | None) -> str:
    return f"{figure(edges[0])}…{figure(edges[1])}" if edges else ""


def _cell(value: float | None) -> str:
    return str(value) if isinstance(value, int) else figure(value)


def _short(name: str, most: int = 40) -> str:
    """A question without an id is known by its text, which may be long."""
    name = " ".join(name.split())
    return name if len(name) <= most else name[: most - 1] + "…"
