"""Three plots as SVG, drawn by hand: predicted against given, error by question, calibration. No torch, no library.

Coordinates run from 0 to 1 on both axes; colours and fonts come from the page around (`mlcore.page`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_SIZE, _MARGIN = 320, 44
_BAR, _LABEL = 18, 190
_MOST_BARS = 40


def scatter(given: Sequence[float], predicted: Sequence[float]) -> str:
    """One dot a row: the teacher's score across, the proposed one up; on the line both agree.

    Dots are moved sideways a little, always alike, because teachers give the same few scores again and again.
    """
    dots = [
        f'<circle cx="{_x(min(1.0, max(0.0, x + _jitter(i)))):.1f}" cy="{_y(y):.1f}" r="2.5" class="dot"/>'
        for i, (x, y) in enumerate(zip(given, predicted, strict=True))
    ]
    return _square("Proposed against given", "given by the teacher", "proposed", dots)


def calibration_plot(bins: Sequence[Mapping[str, Any]]) -> str:
    """One dot a tenth of the proposed score: the mean proposed across, the mean given up; its area is the rows."""
    most = max((entry["n"] for entry in bins), default=1)
    dots = []
    for entry in bins:
        radius = 3 + 9 * (entry["n"] / most) ** 0.5
        title = f"<title>{entry['n']} answers: proposed {entry['predicted']:.2f}, given {entry['given']:.2f}</title>"
        dots.append(
            f'<circle cx="{_x(entry["predicted"]):.1f}" cy="{_y(entry["given"]):.1f}" r="{radius:.1f}" class="bin">'
            f"{title}</circle>"
        )
    return _square("Calibration", "proposed", "given, on average", dots)


def error_bars(per_question: Mapping[str, Mapping[str, Any]]) -> str:
    """One bar a question, the worst first: its mean error in % of the maximum, and how many answers that is from."""
    rows = sorted(per_question.items(), key=lambda entry: -entry[1]["mae_percent"])[:_MOST_BARS]
    longest = max((entry["mae_percent"] for _, entry in rows), default=1.0) or 1.0
    height, room = _BAR * len(rows) + 34, 260
    parts = [_opening(_LABEL + room + 90, height, "Error by question")]
    for place, (name, entry) in enumerate(rows):
        top = 24 + place * _BAR
        width = room * entry["mae_percent"] / longest
        parts.append(f'<text x="{_LABEL - 6}" y="{top + 12}" class="end">{escape(_short(name))}</text>')
        parts.append(f'<rect x="{_LABEL}" y="{top + 2}" width="{width:.1f}" height="{_BAR - 5}" class="bar"/>')
        words = f"{entry['mae_percent']:.1f} ({entry['n']} answers)"
        parts.append(f'<text x="{_LABEL + width + 6:.1f}" y="{top + 12}">{words}</text>')
    parts.append(f'<text x="{_LABEL}" y="14">mean error, % of the maximum</text></svg>')
    return "".join(parts)


def _square(title: str, across: str, up: str, marks: Sequence[str]) -> str:
    parts = [_opening(_SIZE, _SIZE, title)]
    for step in range(6):
        value = step / 5
        parts.append(f'<line x1="{_x(value):.1f}" y1="{_y(0)}" x2="{_x(value):.1f}" y2="{_y(1)}" class="grid"/>')
        parts.append(f'<line x1="{_x(0)}" y1="{_y(value):.1f}" x2="{_x(1)}" y2="{_y(value):.1f}" class="grid"/>')
        parts.append(f'<text x="{_x(value):.1f}" y="{_y(0) + 14}" class="middle">{value:g}</text>')
        parts.append(f'<text x="{_x(0) - 5}" y="{_y(value) + 4:.1f}" class="end">{value:g}</text>')
    parts.append(f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" class="agree"/>')
    parts += marks
    parts.append(f'<text x="{_x(0.5)}" y="{_SIZE - 8}" class="middle">{escape(across)}</text>')
    parts.append(f'<text transform="rotate(-90)" x="{-_y(0.5)}" y="12" class="middle">{escape(up)}</text></svg>')
    return "".join(parts)


def _opening(width: float, height: float, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}">'
    )


def _x(value: float) -> float:
    return _MARGIN + value * (_SIZE - _MARGIN - 14)


def _y(value: float) -> float:
    return 14 + (1 - value) * (_SIZE - _MARGIN - 14)


def _jitter(row: int) -> float:
    return (hashlib.sha256(str(row).encode()).digest()[0] / 255 - 0.5) * 0.03


def _short(name: str, most: int = 28) -> str:
    name = " ".join(name.split())
    return name if len(name) <= most else name[: most - 1] + "…"
