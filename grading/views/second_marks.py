"""Second marking: a paper without its first mark, the moderation of an assignment, and the settling of two marks."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from courses.access import managed_assignment, managed_submission
from courses.views.requests import PersonRequest, errors_on
from grading import services
from grading.access import managed_second_mark
from grading.mapping import on_step
from grading.models import Grade, GradeState
from grading.second_forms import SecondMarkForm, SettleForm
from grading.second_marking import markers, pair_agreement, second_pairs

DECIDED = (GradeState.APPROVED, GradeState.RELEASED)


@require_safe
@login_required
def second_marks(request: PersonRequest, pk: int) -> HttpResponse:
    """The moderation of an assignment: papers with two marks, those that wait, and how people agree."""
    assignment = managed_assignment(request.user, pk)
    pairs = second_pairs(assignment, states=DECIDED)
    mine = [pair for pair in pairs if pair.second is None and pair.grade.approved_by_id != request.user.pk]
    context = {
        "assignment": assignment,
        "course": assignment.course,
        "pairs": sorted(pairs, key=lambda pair: (not pair.apart, pair.second is not None, pair.grade.pk)),
        "mine": [pair for pair in mine if pair.grade.state == GradeState.APPROVED],
        "agreement": pair_agreement(pairs, assignment),
        "markers": markers(assignment),
    }
    return render(request, "grading/second_marks.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def second_mark(request: PersonRequest, pk: int) -> HttpResponse:
    """One paper to mark a second time: its answer and rubric, and nothing of what anybody gave or proposed."""
    submission = managed_submission(request.user, pk)
    grade = Grade.objects.filter(submission=submission, state=GradeState.APPROVED).first()
    if grade is None:
        raise Http404
    if grade.approved_by_id == request.user.pk or hasattr(grade, "second_mark"):
        messages.info(request, _("This paper has a second mark already, or its first mark is yours."))
        return redirect("grading:second_marks", submission.assignment_id)
    form = SecondMarkForm(request.POST or None, grade=grade)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            services.second_mark_give(grade=grade, by=request.user, **form.given())
            return _to_next(request, submission.assignment_id)
    context = {
        "submission": submission,
        "assignment": submission.assignment,
        "course": submission.assignment.course,
        "snapshot": grade.rubric_snapshot,
        "grade_maximum": grade.max_points,
        "form": form,
    }
    return render(request, "grading/second_mark.html", context, status=422 if form.errors else 200)


def _to_next(request: PersonRequest, assignment_id: int) -> HttpResponse:
    pairs = second_pairs(managed_assignment(request.user, assignment_id))
    waiting = (pair for pair in pairs if pair.second is None and pair.grade.approved_by_id != request.user.pk)
    following = next(waiting, None)
    if following is None:
        messages.success(request, _("Nothing more waits for a second mark of yours here."))
        return redirect("grading:second_marks", assignment_id)
    return redirect("grading:second_mark", following.grade.submission_id)


@require_http_methods(["GET", "POST"])
@login_required
def second_settle(request: PersonRequest, pk: int) -> HttpResponse:
    """Two marks side by side, and what is to count."""
    second = managed_second_mark(request.user, pk)
    grade, assignment = second.grade, second.grade.submission.assignment
    form = SettleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            services.second_mark_settle(second=second, by=request.user, points=form.cleaned_data["points"])
            messages.success(request, _("Settled."))
            return redirect("grading:second_marks", assignment.pk)
    scores = list(grade.criterion_scores.all())
    first = grade.points or 0
    context = {
        "second": second,
        "grade": grade,
        "submission": grade.submission,
        "assignment": assignment,
        "course": assignment.course,
        "criteria": list(zip(scores, second.criteria or [None] * len(scores), strict=False)),
        "mean": on_step((first + second.points) / 2, assignment.step_points, grade.max_points),
        "form": form,
    }
    return render(request, "grading/second_settle.html", context, status=422 if form.errors else 200)
