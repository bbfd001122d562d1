from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from courses.access import course_for, owned_course
from courses.forms import CourseForm
from courses.models import Course, Role
from courses.querysets import is_admin
from courses.services import course_create, course_update
from courses.views.home import student_work
from courses.views.requests import PersonRequest, errors_on, page_of, sent


@require_safe
@login_required
def course_list(request: PersonRequest) -> HttpResponse:
    courses = Course.objects.visible_to(request.user)
    roles = dict(request.user.memberships.values_list("course", "role"))
    context = {
        "page": page_of(request, courses),
        "roles": {key: Role(role).label for key, role in roles.items()},
        "may_create": may_create(request),
    }
    return render(request, "courses/course_list.html", context)


def may_create(request: PersonRequest) -> bool:
    """Who teaches one course may open another; the first one is opened by an admin."""
    return is_admin(request.user) or request.user.memberships.filter(role=Role.TEACHER).exists()


@require_safe
@login_required
def course(request: PersonRequest, pk: int) -> HttpResponse:
    row = course_for(request.user, pk)
    if not Course.objects.managed_by(request.user).filter(pk=pk).exists():
        agreed = row.memberships.filter(user=request.user, research_consent=True).exists()
        context = {"course": row, "agreed": agreed, **student_work(request, row)}
        return render(request, "courses/course_student.html", context)
    context = {
        "course": row,
        "page": page_of(request, row.assignments.order_by("pk")),
        "owns": Course.objects.owned_by(request.user).filter(pk=pk).exists(),
    }
    return render(request, "courses/course.html", context)


@require_http_methods(["GET", "POST"])
@login_required
def course_new(request: PersonRequest) -> HttpResponse:
    if not may_create(request):
        return render(request, "403.html", status=403)
    form = CourseForm(**sent(request))
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            row = course_create(by=request.user, **form.cleaned_data)
            return redirect("courses:course", row.pk)
    return render(request, "courses/course_form.html", {"form": form})


@require_http_methods(["GET", "POST"])
@login_required
def course_edit(request: PersonRequest, pk: int) -> HttpResponse:
    row = owned_course(request.user, pk)
    form = CourseForm(instance=row, **sent(request))
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            course_update(course=row, by=request.user, **form.cleaned_data)
            messages.success(request, _("The course was saved."))
            return redirect("courses:course", pk)
    return render(request, "courses/course_form.html", {"form": form, "course": row})
