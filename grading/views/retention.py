"""For how long a course's answers are kept, what would go, and what went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from courses.access import owned_course
from courses.models import Course
from courses.services import course_update
from courses.views.requests import PersonRequest, errors_on, page_of, sent
from grading.admin_access import admin_required
from grading.models import RetentionState, RetentionSweep
from grading.retention import WhatGoes, due_on, holds, what_goes
from grading.retention_form import RetentionForm
from grading.services.retention import WARN

COURSES_ON_A_PAGE = 20  # each is counted through


@dataclass(frozen=True)
class Preview:
    """What the end of one course's period takes. `day` is when it is deleted, the announcement reckoned in."""

    course: Course
    day: date | None
    holds: list[str]
    goes: WhatGoes
    announced: RetentionSweep | None


def preview(course: Course) -> Preview:
    due = due_on(course)
    announced = course.retention_sweeps.filter(state=RetentionState.WARNED).first()
    told = announced.told_at if announced and announced.told_at else timezone.now()
    day = max(due, timezone.localdate(told + timedelta(days=WARN.days))) if due else None
    return Preview(course, day, holds(course), what_goes(course), announced)


@require_safe
@admin_required
def retention(request: PersonRequest) -> HttpResponse:
    page = page_of(request, Course.objects.exclude(retention_months=None), COURSES_ON_A_PAGE)
    done = RetentionSweep.objects.filter(state=RetentionState.DONE).select_related("course")
    context = {"page": page, "previews": [preview(course) for course in page], "done": done[:COURSES_ON_A_PAGE]}
    return render(request, "grading/retention.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def course_retention(request: PersonRequest, pk: int) -> HttpResponse:
    course = owned_course(request.user, pk)
    form = RetentionForm(instance=owned_course(request.user, pk), **sent(request))
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            course_update(course=course, by=request.user, **form.cleaned_data)
            messages.success(request, _("The retention period was saved."))
            return redirect("grading:course_retention", pk)
    done = course.retention_sweeps.filter(state=RetentionState.DONE)
    context = {"course": course, "form": form, "preview": preview(course), "done": done, "warn": WARN.days}
    return render(request, "grading/course_retention.html", context)
