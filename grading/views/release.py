"""Release, withdrawal and export of the grades of one assignment."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from courses.access import managed_assignment
from courses.models import Assignment
from courses.views.requests import PersonRequest, errors_told
from grading import selectors, services
from grading.access import managed_grade, planned_release
from grading.exceptions import message_for
from grading.forms import NoteForm, ReleasePlanForm
from grading.models import Grade, ReleasePlan, ReleasePlanState
from grading.second_marking import held_back
from grading.services.gradebooks import grades_for_canvas, grades_for_moodle

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_http_methods(["GET", "POST"])
@login_required
def release(request: PersonRequest, pk: int) -> HttpResponse:
    """Shows what would be released, and one grade as its student will see it; then releases."""
    assignment = managed_assignment(request.user, pk)
    if request.method == "POST":
        with errors_told(request):
            released = services.grades_release(assignment=assignment, by=request.user)
            told = ngettext("%(count)s grade was released.", "%(count)s grades were released.", released)
            messages.success(request, told % {"count": released})
        return redirect("courses:assignment", pk)
    approved = Grade.objects.filter(submission__assignment=assignment, state="approved")
    approved = approved.exclude(submission__state="superseded")
    rows = approved.select_related("submission__student", "approved_by", "feedback")
    past_plan, held = _past_plan(assignment), held_back(assignment)
    counts = selectors.assignment_counts([assignment])[assignment.pk]
    wanted = request.GET.get("preview", "")
    context = {
        "assignment": assignment,
        "course": assignment.course,
        "counts": counts,
        "grades": rows.order_by("submission__student__last_name", "pk")[:200],
        "preview": (rows.filter(pk=wanted).first() if wanted.isdigit() else None) or rows.first(),
        "held": held,
        "to_release": counts.approved - len(held),
        "plan": ReleasePlan.objects.filter(assignment=assignment, state=ReleasePlanState.PLANNED).first(),
        "past_plan": past_plan,
        "past_plan_words": message_for(past_plan.error_code) if past_plan else "",
        "plan_form": ReleasePlanForm(),
        "zone": timezone.get_current_timezone_name(),
    }
    return render(request, "grading/release.html", context)


def _past_plan(assignment: Assignment) -> ReleasePlan | None:
    """The last plan, where it failed and nothing was planned since: somebody relied on it."""
    last = ReleasePlan.objects.filter(assignment=assignment).first()
    return last if last is not None and last.state == ReleasePlanState.FAILED else None


@require_POST
@login_required
def plan(request: PersonRequest, pk: int) -> HttpResponse:
    """Have the approved grades released at a time."""
    assignment = managed_assignment(request.user, pk)
    form = ReleasePlanForm(request.POST)
    if form.is_valid():
        with errors_told(request):
            services.release_plan_set(assignment=assignment, by=request.user, at=form.cleaned_data["at"])
            messages.success(request, _("The release is planned. What is approved by then will be released."))
    else:
        messages.error(request, " ".join(str(text) for texts in form.errors.values() for text in texts))
    return redirect("grading:release", pk)


@require_POST
@login_required
def plan_cancel(request: PersonRequest, pk: int) -> HttpResponse:
    row = planned_release(request.user, pk)
    with errors_told(request):
        services.release_plan_cancel(plan=row, by=request.user)
        messages.success(request, _("The planned release is called off."))
    return redirect("grading:release", row.assignment_id)


@require_POST
@login_required
def withdraw(request: PersonRequest, pk: int) -> HttpResponse:
    grade = managed_grade(request.user, pk)
    note = NoteForm(request.POST).given()["note"]
    with errors_told(request):
        services.grade_withdraw(grade=grade, by=request.user, note=note)
    return redirect("grading:review", grade.submission_id)


@require_POST
@login_required
def release_again(request: PersonRequest, pk: int) -> HttpResponse:
    grade = managed_grade(request.user, pk)
    with errors_told(request):
        services.grade_release_again(grade=grade, by=request.user)
    return redirect("grading:review", grade.submission_id)


@require_safe
@login_required
def export(request: PersonRequest, pk: int, kind: str) -> HttpResponse:
    assignment = managed_assignment(request.user, pk)
    if kind == "csv":
        response = HttpResponse(services.grades_as_csv(assignment=assignment), content_type="text/csv; charset=utf-8")
    elif kind == "xlsx":
        response = HttpResponse(services.grades_as_xlsx(assignment=assignment), content_type=XLSX)
    elif kind == "moodle.csv":
        response = HttpResponse(grades_for_moodle(assignment=assignment), content_type="text/csv; charset=utf-8")
    elif kind == "canvas.csv":
        response = HttpResponse(grades_for_canvas(assignment=assignment), content_type="text/csv; charset=utf-8")
    else:
        raise Http404
    name = slugify(assignment.title) or f"assignment-{pk}"
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    response["Cache-Control"] = "private, no-store"
    return response
