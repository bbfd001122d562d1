from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from courses.access import course_for
from courses.models import Role
from courses.services.consent import consent_set
from courses.views.requests import PersonRequest


@require_POST
@login_required
def consent(request: PersonRequest, pk: int) -> HttpResponse:
    """A student's own word on research with their answers of one course."""
    course = course_for(request.user, pk)
    own = get_object_or_404(course.memberships, user=request.user, role=Role.STUDENT)
    given = request.POST.get("given") == "yes"
    consent_set(membership=own, given=given)
    if given:
        messages.success(request, _("Thank you. You can take it back here at any time."))
    else:
        messages.success(request, _("Your answers will not be in any export for research from now on."))
    return redirect("courses:course", pk)
