"""“Write again to match my points”: asking, looking whether it is there, taking or discarding it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from courses.errors import UserError
from courses.views.requests import PersonRequest
from grading.access import managed_grade
from grading.models import Grade
from grading.services.rewrites import open_rewrite, rewrite_close, rewrite_request


@require_safe
@login_required
def rewrite(request: PersonRequest, pk: int) -> HttpResponse:
    return _offer(request, managed_grade(request.user, pk))


@require_POST
@login_required
def rewrite_ask(request: PersonRequest, pk: int) -> HttpResponse:
    grade = managed_grade(request.user, pk)
    try:
        rewrite_request(grade=grade, by=request.user)
    except UserError as error:
        return _offer(request, grade, words=error.message)
    return _offer(request, grade)


@require_POST
@login_required
def rewrite_end(request: PersonRequest, pk: int) -> HttpResponse:
    grade = managed_grade(request.user, pk)
    rewrite_close(grade=grade)
    return _offer(request, grade)


def _offer(request: PersonRequest, grade: Grade, words: str = "") -> HttpResponse:
    return render(
        request, "grading/_desk_rewrite.html", {"grade": grade, "rewrite": open_rewrite(grade), "words": words}
    )
