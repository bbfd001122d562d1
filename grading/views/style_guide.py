from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from courses.views.requests import PersonRequest
from grading.admin_access import admin_required
from grading.curves import curves

LOSSES: dict[str, dict[str, list[float]]] = {
    "scorer": {
        "step": [1, 2, 3, 4],
        "train_loss": [0.9, 0.6, 0.5, 0.4],
        "validation_loss": [0.9, 0.7, 0.6, 0.6],
        "seconds": [1, 2, 3, 4],
    }
}
COLOURS = ("paper", "sheet", "ink", "quiet", "accent", "good", "warn", "change")


@require_safe
@admin_required
def style_guide(request: PersonRequest) -> HttpResponse:
    """The components of the pages, drawn by the style sheets that the pages use."""
    return render(request, "grading/style_guide.html", {"curves": curves(LOSSES), "colours": COLOURS})
