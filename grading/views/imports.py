from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from courses.access import owned_course
from courses.forms import ImportForm
from courses.quota import file_turn
from courses.views.requests import PersonRequest, errors_on, sent
from grading.services.imports import marked_answers_import


@require_http_methods(["GET", "POST"])
@login_required
def import_marked(request: PersonRequest, pk: int) -> HttpResponse:
    """A school's past marking comes in. It is a page of this app because it makes grades."""
    course = owned_course(request.user, pk)
    form = ImportForm(**sent(request))
    context = {"course": course, "form": form}
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            file_turn(request.user)
            file = form.cleaned_data["file"]
            context["report"] = marked_answers_import(
                course=course,
                by=request.user,
                name=file.name,
                data=file.read(),
                with_grades=form.cleaned_data["with_grades"],
            )
    return render(request, "grading/import_marked.html", context)
