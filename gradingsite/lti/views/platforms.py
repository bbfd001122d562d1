"""The admins' pages: which platforms may send people here, and the addresses that they have to be told."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from courses.views.requests import PersonRequest, errors_on, sent
from grading.admin_access import admin_required
from gradingsite.lti import tool
from gradingsite.lti.forms import PlatformForm
from gradingsite.lti.history import lines_of
from gradingsite.lti.keys import key_rotate, signing_key
from gradingsite.lti.models import Platform, PlatformEvent, PlatformPerson
from gradingsite.lti.services.accounts import person_unlink
from gradingsite.lti.services.platforms import platform_register, platform_update
from gradingsite.signin.events import record
from gradingsite.signin.models import AccountEventKind

ADDRESSES = (
    (gettext_lazy("Login initiation URL"), "lti:login"),
    (gettext_lazy("Launch, redirect and deep linking URL"), "lti:launch"),
    (gettext_lazy("Public keyset URL (JWKS)"), "lti:jwks"),
    (gettext_lazy("Configuration for Canvas (JSON)"), "lti:canvas"),
)
SHOWN = 50


def _addresses(request: HttpRequest) -> list[tuple[str, str]]:
    return [(str(label), tool.address(request, name)) for label, name in ADDRESSES]


@require_safe
@admin_required
def platforms(request: PersonRequest) -> HttpResponse:
    context = {
        "platforms": Platform.objects.all(),
        "addresses": _addresses(request),
        "key": signing_key(),
        "events": lines_of(PlatformEvent.objects.filter(platform=None).select_related("actor")[:SHOWN]),
    }
    return render(request, "lti/platforms.html", context)


@require_http_methods(["GET", "POST"])
@admin_required
@reauthentication_required(allow_get=True)  # whoever sits down at an open session must not open a door of their own
def platform_new(request: PersonRequest) -> HttpResponse:
    form = PlatformForm(**sent(request))
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            row = platform_register(by=request.user, **form.cleaned_data)
            messages.success(request, _("The platform is registered."))
            return redirect("lti:platform", row.pk)
    return render(request, "lti/platform.html", {"form": form, "addresses": _addresses(request)})


@require_http_methods(["GET", "POST"])
@admin_required
@reauthentication_required(allow_get=True)
def platform(request: PersonRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Platform, pk=pk)
    form = PlatformForm(instance=row, **sent(request))
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            platform_update(platform=row, by=request.user, **form.cleaned_data)
            messages.success(request, _("The platform was saved."))
            return redirect("lti:platform", pk)
    context = {
        "form": form,
        "platform": row,
        "addresses": _addresses(request),
        "events": lines_of(row.events.select_related("actor")[:SHOWN]),
    }
    return render(request, "lti/platform.html", context)


@require_POST
@admin_required
@reauthentication_required
def key_renew(request: PersonRequest) -> HttpResponse:
    key_rotate(by=request.user)
    messages.success(request, _("A new key signs from now on. The old one stays published."))
    return redirect("lti:platforms")


@require_POST
@admin_required
def person_drop(request: PersonRequest, pk: int) -> HttpResponse:
    """For somebody who was linked with the wrong person of a platform."""
    row = get_object_or_404(PlatformPerson.objects.select_related("user"), pk=pk)
    person_unlink(row=row)
    record(AccountEventKind.SSO_UNLINKED, user=row.user, request=request, how="lti", by=request.user)
    messages.success(request, _("The link is gone. At the next launch the person has to log in here once."))
    return redirect("grading:person", row.user_id)
