"""What the site keeps about a person: their own copy."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from courses.views.requests import PersonRequest
from grading.services.student_export import student_export


@never_cache
@require_safe
@login_required
def my_data(request: PersonRequest) -> HttpResponse:
    return _zip(request.user, whole=False)


def _zip(person: User, *, whole: bool) -> HttpResponse:
    response = HttpResponse(student_export(student=person, whole=whole), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="data-{person.pk}.zip"'
    return response
