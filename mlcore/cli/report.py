"""Evaluations and benchmarks as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlcore.card import FLOORS, TEXT_FIGURES, figure

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
_TEXT_COLUMNS = {"n": "n", **TEXT_FIGURES}


def evaluation_table(result: Mapping[str, Any], *, per_question: bool = True) -> str:
    """What `mlcore.evaluate.evaluate` returned, as aligned text: all rows, the rivals, feedback, each question."""
    rivals = {FLOORS[name]: row for name, row in result["floors"].items() if name != "nearest_feedback"}
    blocks = [_block("marks", _COLUMNS, {"this model": result, **rivals})]
    if result["feedback"]:
        rival = result["floors"].get("nearest_feedback")
        rows = {"this model": result["feedback"], **({FLOORS["nearest_feedback"]: rival} if rival else {})}
        blocks.append(_block("feedback", _TEXT_COLUMNS, rows))
    if per_question and len(result["per_question"]) > 1:
        blocks.append(_block("by question", _COLUMNS, result["per_question"]))
    return "\n\n".join(blocks)


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
    lines = [[_short(name), *(_cell(row.get(key)) for key in columns)] for name, row in rows.items()]
    return aligned([[title, *columns.values()], *lines])


def _cell(value: float | None) -> str:
    return str(value) if isinstance(value, int) else figure(value)


def _short(name: str, most: int = 40) -> str:
    """A question without an id is known by its text, which may be long."""
    name = " ".join(name.split())
    return name if len(name) <= most else name[: most - 1] + "…"
