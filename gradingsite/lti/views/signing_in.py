"""From a launch to a session: as after single sign-on, with the second factor where there is one."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from gradingsite.lti.claims import Claims
from gradingsite.lti.errors import NoAccount, StateTooOld
from gradingsite.lti.models import Launch
from gradingsite.lti.services.accounts import Person, link_holds, person_bind, person_linked
from gradingsite.lti.services.launches import claims_kept
from gradingsite.signin.events import record
from gradingsite.signin.models import AccountEventKind

# In the session: the launch that is not over, and what its person may link.
PENDING, PLACE = "lti_launch", "lti_place"


def person_of(claims: Claims) -> Person:
    return Person(claims.sub, claims.email, claims.name)


def lead_in(request: HttpRequest, row: Launch) -> HttpResponse:
    """Sign in whoever this person is here, or ask them to log in once.

    Raises:
        LaunchRefused
    """
    claims = claims_kept(row)
    if claims is None:
        raise StateTooOld
    person = person_linked(row.platform, claims.sub)
    if person is None:
        try:
            person = person_bind(platform=row.platform, person=person_of(claims))
        except NoAccount:
            record(AccountEventKind.SSO_REFUSED, user=None, request=request, how="lti")
            person = None
        else:
            if person is not None:
                record(AccountEventKind.SSO_LINKED, user=person.user, request=request, how="lti")
    if person is None or not link_holds(person):
        request.session[PENDING] = row.pk
        return redirect("lti:confirm")
    return _sign_in(request, person.user, row)


def _sign_in(request: Any, user: User, row: Launch) -> HttpResponse:
    if not user.is_active:
        answer: HttpResponse = get_adapter().respond_user_inactive(request, user)
        return answer
    target = reverse("lti:enter")
    if request.user.is_authenticated:
        if request.user.pk == user.pk:
            request.session[PENDING] = row.pk
            return redirect(target)
        logout(request)
    request.session[PENDING] = row.pk
    record_authentication(request, user, method="lti")
    return perform_login(request, Login(user=user, redirect_url=target))


def pending(request: HttpRequest) -> tuple[Launch, Claims]:
    """The launch by which this session came in, as long as it is not over.

    Raises:
        LaunchRefused
    """
    row = Launch.objects.filter(pk=request.session.get(PENDING, 0)).select_related("platform").first()
    claims = claims_kept(row) if row is not None else None
    if row is None or claims is None or not row.platform.enabled:
        raise StateTooOld
    return row, claims
