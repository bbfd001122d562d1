from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from courses.views.requests import PersonRequest
from grading.admin_access import admin_required
from grading.health_report import report


@never_cache
@require_safe
@admin_required
def health(request: PersonRequest) -> HttpResponse:
    """What runs and what does not, and for each thing that does not, what to do."""
    return render(request, "grading/health.html", {"report": report()})
