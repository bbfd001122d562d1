"""The review desk: one submission a screen, and the list that it is taken from."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.urls import resolve, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from courses.access import managed_submission
from courses.errors import UserError
from courses.models import Submission
from courses.views.requests import PersonRequest, errors_told
from grading import selectors, services
from grading.access import managed_grade
from grading.blind import blind_sample
from grading.desk import collision_rows, desk_context, filled_form
from grading.exceptions import EditedMeanwhile
from grading.forms import NoteForm, ReviewForm
from grading.models import Grade, RegradeRequest
from grading.queue_form import narrow_of, query_of


@require_safe
@login_required
def review(request: PersonRequest, pk: int) -> HttpResponse:
    submission = managed_submission(request.user, pk)
    if sampled := _to_the_sample(request, submission):
        return sampled
    grade = selectors.current_grade(submission)
    form = filled_form(grade) if grade else None
    return _desk(request, submission, grade, form)


def _to_the_sample(request: PersonRequest, submission: Submission) -> HttpResponseRedirect | None:
    """A paper that checks a promise is marked on the promise's page, where its proposal does not show."""
    sample = blind_sample(submission)
    if sample is None:
        return None
    told = _("That paper was drawn to check a promise. It is marked here, without its proposal.")
    messages.info(request, told)
    return redirect("grading:acceptance", sample.acceptance_id)


def _desk(
    request: PersonRequest, submission: Submission, grade: Grade | None, form: ReviewForm | None, **more: Any
) -> HttpResponse:
    show, order = queue_of(request)
    context = desk_context(submission, grade, form)
    narrow = narrow_of(request.GET, request.user, submission.assignment)
    context["neighbours"] = selectors.review_neighbours(submission, show=show, order=order, narrow=narrow)
    context["following"] = selectors.next_to_review(submission, show=show, order=order, narrow=narrow)
    context["query"] = query_of(request.GET, show, order)
    return render(request, "grading/review.html", context | more, status=more.get("status", 200))


@require_POST
@login_required
def grade_save(request: PersonRequest, pk: int) -> HttpResponse:
    """Keep the teacher's values; with the button “approve” approve them and go to the next paper."""
    grade = managed_grade(request.user, pk)
    if sampled := _to_the_sample(request, grade.submission):
        return sampled
    form = ReviewForm(request.POST, grade=grade)
    approve = "approve" in request.POST
    if request.POST.get("edition") != str(grade.edition):
        return _collision(request, grade, EditedMeanwhile())
    if form.is_valid():
        act = services.grade_approve if approve else services.grade_change
        try:
            act(grade=grade, by=request.user, **form.changes())
        except EditedMeanwhile as error:
            return _collision(request, grade, error)
        except UserError as error:
            form.add_error(None, error.message)
        else:
            return _after(request, grade.submission, onwards=approve)
    return _desk(request, grade.submission, grade, form, status=422)


def _collision(request: PersonRequest, grade: Grade, error: UserError) -> HttpResponse:
    """Both versions side by side: what is saved now, and what was typed, which the form keeps where there is one."""
    fresh = managed_grade(request.user, grade.pk)
    typed = request.POST.copy()
    typed["edition"] = str(fresh.edition)
    form = ReviewForm(typed, grade=fresh)
    form.add_error(None, error.message)
    rows = collision_rows(filled_form(fresh), form)
    return _desk(request, fresh.submission, fresh, form, collision=rows, status=409)


def _after(request: PersonRequest, submission: Submission, *, onwards: bool) -> HttpResponse:
    """On to the next paper. A script that has fetched it already is told its address instead of being sent there."""
    answer = _onwards(request, submission, onwards=onwards)
    if "X-Desk" not in request.headers:
        return answer
    desk = resolve(urlsplit(answer.url).path).url_name == "review"
    return JsonResponse({"next": answer.url, "desk": desk})


def _onwards(request: PersonRequest, submission: Submission, *, onwards: bool) -> HttpResponseRedirect:
    show, order = queue_of(request)
    if not onwards:
        messages.success(request, _("Saved."))
        return _to_paper(request, submission.pk)
    if RegradeRequest.objects.open().filter(grade__submission=submission).exists():
        messages.success(request, _("Approved. The student's request waits for your answer."))
        return _to_paper(request, submission.pk)
    narrow = narrow_of(request.GET, request.user, submission.assignment)
    following = selectors.next_to_review(submission, show=show, order=order, narrow=narrow)
    if following is None:
        messages.success(request, _("Approved. Nothing is left to review here."))
        return redirect("grading:review_list", submission.assignment_id)
    return _to_paper(request, following)


def _to_paper(request: PersonRequest, pk: int) -> HttpResponseRedirect:
    """A paper's desk, in the same queue."""
    show, order = queue_of(request)
    return redirect(f"{reverse('grading:review', args=[pk])}?{query_of(request.GET, show, order)}")


@require_POST
@login_required
def grade_by_hand(request: PersonRequest, pk: int) -> HttpResponse:
    submission = managed_submission(request.user, pk)
    with errors_told(request):
        services.grade_by_hand(submission=submission, by=request.user)
    return _to_paper(request, pk)


@require_POST
@login_required
def grade_reopen(request: PersonRequest, pk: int) -> HttpResponse:
    grade = managed_grade(request.user, pk)
    with errors_told(request):
        services.grade_reopen(grade=grade, by=request.user, edition=NoteForm(request.POST).given()["edition"])
    return _to_paper(request, grade.submission_id)


@require_POST
@login_required
def grade_reject(request: PersonRequest, pk: int) -> HttpResponse:
    grade = managed_grade(request.user, pk)
    with errors_told(request):
        services.grade_reject(grade=grade, by=request.user, **NoteForm(request.POST).given())
        messages.info(request, _("The proposal was rejected; the answer counts as ungraded again."))
    return _to_paper(request, grade.submission_id)


@require_POST
@login_required
def grade_regrade(request: PersonRequest, pk: int) -> HttpResponse:
    grade = managed_grade(request.user, pk)
    with errors_told(request):
        services.grade_regrade(grade=grade, by=request.user)
    return _to_paper(request, grade.submission_id)


def queue_of(request: PersonRequest) -> tuple[str, str]:
    show, order = request.GET.get("show", "all"), request.GET.get("order", "student")
    return (
        show if show in selectors.FILTERS else "all",
        order if order in selectors.ORDERS else "student",
    )
