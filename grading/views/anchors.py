"""Comments on words of an answer, made and removed at the desk."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_POST

from courses.views.requests import PersonRequest, errors_told
from grading.access import managed_grade
from grading.forms import AnchorForm
from grading.services.anchors import anchor_add
from grading.services.anchors import anchor_remove as remove
from grading.views.desk import paper_of


@require_POST
@login_required
def anchor(request: PersonRequest, pk: int) -> HttpResponse:
    grade = managed_grade(request.user, pk)
    form = AnchorForm(request.POST, grade=grade)
    if form.is_valid():
        with errors_told(request):
            anchor_add(grade=grade, by=request.user, **form.cleaned_data)
    return paper_of(request, grade.submission_id)


@require_POST
@login_required
def anchor_remove(request: PersonRequest, pk: int) -> HttpResponse:
    """Take a comment of the grade away; `comment` says which."""
    grade = managed_grade(request.user, pk)
    key = request.POST.get("comment", "")
    comment = grade.anchors.filter(pk=int(key)).first() if key.isdecimal() else None
    if comment is None and key:
        raise Http404
    if comment is not None:
        with errors_told(request):
            remove(comment=comment)
    return paper_of(request, grade.submission_id)
