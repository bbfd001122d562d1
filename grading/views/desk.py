"""What the desk asks for while a paper is open: autosave, who else is there, undo, flags, and ways to other papers."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from courses.access import managed_assignment, managed_submission
from courses.errors import UserError
from courses.names import paper_name, person_name
from courses.views.requests import PersonRequest, errors_told
from grading import jumps, selectors, services
from grading.access import managed_grade
from grading.blind import blind_sample
from grading.desk import collision_rows, filled_form
from grading.exceptions import EditedMeanwhile, GradeIsClosed, MarkedBlind
from grading.forms import ReviewForm
from grading.models import Grade, GradeState
from grading.queue_form import whole_queue
from grading.services import acts, desk
from grading.views.review import queue_of


@require_POST
@login_required
def grade_autosave(request: PersonRequest, pk: int) -> JsonResponse:
    """Keep what is typed so far. A save that arrives twice is taken once; one of an older edition is refused."""
    grade = managed_grade(request.user, pk)
    if blind_sample(grade.submission):
        return _refused(MarkedBlind(), 409)
    form = ReviewForm(request.POST, grade=grade)
    if request.POST.get("edition") != str(grade.edition):
        return _saved(grade) if _says_the_same(form, grade) else _refused(EditedMeanwhile(), 409)
    if not form.is_valid():
        return JsonResponse({"words": " ".join(str(error[0]) for error in form.errors.values())}, status=422)
    try:
        return _saved(services.grade_change(grade=grade, by=request.user, **form.changes()))
    except (EditedMeanwhile, GradeIsClosed) as error:
        return _refused(error, 409)
    except UserError as error:
        return _refused(error, 422)


def _saved(grade: Grade) -> JsonResponse:
    at = date_format(timezone.localtime(), "H:i")
    return JsonResponse({"edition": grade.edition, "words": _("saved %(time)s") % {"time": at}})


def _refused(error: UserError, status: int) -> JsonResponse:
    return JsonResponse({"words": error.message}, status=status)


def _says_the_same(typed: ReviewForm, grade: Grade) -> bool:
    """Whether a late save has nothing new: its answer was lost on the way, say."""
    rows = collision_rows(filled_form(grade), typed)
    return grade.state == GradeState.PROPOSED and not any(row.differs for row in rows)


@require_POST
@login_required
def presence(request: PersonRequest, pk: int) -> JsonResponse:
    """Renew this person's lease on the paper, or end it; who else is there, and which edition the grade has now."""
    submission = managed_submission(request.user, pk)
    if "leave" in request.POST:
        desk.presence_end(submission=submission, user=request.user)
        return JsonResponse({})
    names = [person_name(user) for user in desk.presence_renew(submission=submission, user=request.user)]
    words = _("%(names)s has this paper open too") % {"names": ", ".join(names)} if names else ""
    grade = selectors.current_grade(submission)
    return JsonResponse({"words": words, "grade": grade.pk if grade else None, "edition": grade and grade.edition})


@require_POST
@login_required
def flag(request: PersonRequest, pk: int) -> HttpResponse:
    submission = managed_submission(request.user, pk)
    desk.flag_toggle(submission=submission, by=request.user)
    return paper_of(request, pk)


@require_POST
@login_required
def undo(request: PersonRequest, pk: int) -> HttpResponse:
    """Undo the person's last act in the assignment, and show the paper that it was about."""
    assignment = managed_assignment(request.user, pk)
    with errors_told(request):
        act = acts.undo_last(assignment=assignment, by=request.user)
        touched = list(act.grades.select_related("grade"))
        messages.success(request, _("Undone: %(what)s.") % {"what": act.get_kind_display()})
        if len(touched) == 1:
            return paper_of(request, touched[0].grade.submission_id)
        return redirect(f"{reverse('grading:review_list', args=[pk])}?{_query(request)}")
    back = request.POST.get("paper", "")
    if back.isdecimal() and assignment.submissions.filter(pk=int(back)).exists():
        return paper_of(request, int(back))
    return redirect("grading:review_list", pk)


@require_safe
@login_required
def papers(request: PersonRequest, pk: int) -> JsonResponse:
    """Every paper of the queue by its student's name: what “jump to student” looks through."""
    assignment = managed_assignment(request.user, pk)
    show, order = queue_of(request)
    rows = selectors.review_queue(assignment, show="all", order=order, narrow=whole_queue(request.user, assignment))
    query = urlencode({"show": show, "order": order})
    found = [
        {
            "name": paper_name(row, assignment),
            "state": _state_words(selectors.queue_state(row)),
            "url": f"{reverse('grading:review', args=[row.pk])}?{query}",
        }
        for row in rows
    ]
    return JsonResponse({"papers": found})


@require_safe
@login_required
def jump(request: PersonRequest, pk: int, to: str) -> HttpResponse:
    """From one paper to the next that has no grade, or whose proposal is the least certain."""
    submission = managed_submission(request.user, pk)
    if to not in jumps.JUMPS:
        raise Http404
    _show, order = queue_of(request)
    narrow = whole_queue(request.user, submission.assignment)
    found = jumps.jump_from(submission, to, order=order, narrow=narrow)
    if found is None:
        messages.info(request, _("There is no other such paper in this assignment."))
    return paper_of(request, found or pk)


def _state_words(state: str | None) -> str:
    return str(GradeState(state).label) if state else _("no grade")


def _query(request: PersonRequest) -> str:
    show, order = queue_of(request)
    return urlencode({"show": show, "order": order})


def paper_of(request: PersonRequest, pk: int) -> HttpResponse:
    return redirect(f"{reverse('grading:review', args=[pk])}?{_query(request)}")
