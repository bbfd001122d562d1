"""What the site keeps about a person: their own copy, and for admins a search, a copy and the deletion."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from courses.views.requests import PersonRequest, errors_told, page_of
from grading.admin_access import admin_required
from grading.services.student_deletion import deletion_preview, may_be_deleted, student_delete
from grading.services.student_export import student_export
from gradingsite.signin import limits


@never_cache
@require_safe
@login_required
def my_data(request: PersonRequest) -> HttpResponse:
    if not limits.take("copy", str(request.user.pk)):
        return render(request, "429.html", status=429)
    return _zip(request.user, whole=False)


@require_safe
@admin_required
def people(request: PersonRequest) -> HttpResponse:
    query = request.GET.get("q", "").strip()
    rows = User.objects.order_by("last_name", "first_name", "pk")
    for word in query.split():
        rows = rows.filter(Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(email__icontains=word))
    return render(request, "grading/people.html", {"page": page_of(request, rows), "query": query})


@require_safe
@admin_required
def person(request: PersonRequest, pk: int) -> HttpResponse:
    """What there is about somebody, which is what a deletion would take."""
    row = get_object_or_404(User, pk=pk)
    context = {"row": row, "preview": deletion_preview(student=row), "may_be_deleted": may_be_deleted(row)}
    return render(request, "grading/person.html", context)


@never_cache
@require_safe
@admin_required
def person_data(request: PersonRequest, pk: int) -> HttpResponse:
    return _zip(get_object_or_404(User, pk=pk), whole=True)


@require_POST
@admin_required
def person_delete(request: PersonRequest, pk: int) -> HttpResponse:
    with errors_told(request):
        done = student_delete(student=get_object_or_404(User, pk=pk), by=request.user)
        messages.success(request, _("The student's data are deleted."))
        if done.versions:
            messages.warning(request, _("Some model versions were trained on them; their pages say so."))
        return redirect("grading:people")
    return redirect("grading:person", pk)


def _zip(person: User, *, whole: bool) -> HttpResponse:
    response = HttpResponse(student_export(student=person, whole=whole), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="data-{person.pk}.zip"'
    return response
