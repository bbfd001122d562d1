from __future__ import annotations

from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, PasswordResetForm, SetPasswordForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, PasswordChangeView, PasswordResetConfirmView, PasswordResetView
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from requests import RequestException

from courses.passwords import InvitedPasswordResetForm
from courses.views.requests import PersonRequest
from grading.admin_access import admin_required
from gradingsite import refusals
from gradingsite.signin import known_browsers, limits, sso
from gradingsite.signin.events import record
from gradingsite.signin.links import LinkTokens
from gradingsite.signin.models import AccountEventKind
from gradingsite.signin.open_sessions import sessions_end
from gradingsite.signin.provider import SchoolOAuth2Adapter


class SignIn(LoginView):
    """Django's page for the password; what comes after it, such as a second factor, is allauth's to ask."""

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        if self.request.user.is_authenticated:
            logout(self.request)
        login = Login(user=form.get_user(), redirect_url=self.get_success_url())
        return perform_password_login(self.request, {}, login)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, sso_button=settings.OIDC_BUTTON if settings.OIDC_ISSUER else "")


class PasswordLink(PasswordResetView):
    form_class = InvitedPasswordResetForm

    def form_valid(self, form: PasswordResetForm) -> HttpResponse:
        if not limits.link_allowed(self.request, form.cleaned_data["email"]):
            return render(self.request, "registration/too_many_links.html", status=429)
        return super().form_valid(form)


class PasswordSet(PasswordResetConfirmView):
    token_generator = LinkTokens()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if not self.validlink:
            refusals.security_event("bad_link", view="password_reset_confirm", user=getattr(self.user, "pk", ""))
        return super().get_context_data(**kwargs)

    def form_valid(self, form: SetPasswordForm) -> HttpResponse:
        record(AccountEventKind.PASSWORD_SET, user=self.user, request=self.request, how="link")
        answer = super().form_valid(form)
        sessions_end(user=form.user, request=self.request)
        # Whoever reads the account's mail gets in with this browser, whatever others tried meanwhile.
        known_browsers.remember(self.request, form.user)
        return answer


class PasswordChange(PasswordChangeView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not limits.old_password_allowed(request.user.pk):
            return too_many(request)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        record(AccountEventKind.PASSWORD_SET, user=form.user, request=self.request, how="password")
        answer = super().form_valid(form)
        sessions_end(user=form.user, request=self.request, keep=self.request.session.session_key)
        return answer

    def form_invalid(self, form: PasswordChangeForm) -> HttpResponse:
        if "old_password" in form.errors:
            limits.old_password_failed(form.user.pk)
        return super().form_invalid(form)


def too_many(request: HttpRequest) -> HttpResponse:
    return render(request, "429.html", status=429)


@never_cache
@require_safe
def inactive(request: HttpRequest) -> HttpResponse:
    return sso.refused(request, _("Your account is deactivated. Ask an admin of this site if that should not be so."))


@require_POST
def sso_start(request: HttpRequest) -> HttpResponse:
    """Off to the school's provider. By POST only: no other site can send people through it.

    By a page that leads on and not by a redirect: browsers hold the whole chain after a form to `form-action`, and
    nobody knows over which hosts a provider sends people.
    """
    if not settings.OIDC_ISSUER:
        raise Http404
    provider = get_adapter().get_provider(request, sso.PROVIDER_ID)
    try:
        answer = provider.redirect(request, AuthProcess.LOGIN, next_url=get_next_redirect_url(request))
    except (OAuth2Error, RequestException) as error:
        return _failed(request, provider, error)
    target = answer.get("Location")
    return render(request, "signin/sso_leave.html", {"target": target, "name": provider.name}) if target else answer


@never_cache
@require_safe
def sso_callback(request: HttpRequest) -> HttpResponse:
    if not settings.OIDC_ISSUER:
        raise Http404
    adapter = SchoolOAuth2Adapter(request, sso.PROVIDER_ID)
    try:
        return OAuth2CallbackView.adapter_view(adapter)(request)
    except (OAuth2Error, RequestException) as error:  # allauth asks for the discovery outside its own net
        return _failed(request, adapter.get_provider(), error)


def _failed(request: HttpRequest, provider: Any, error: Exception) -> HttpResponse:
    try:
        get_adapter().on_authentication_error(request, provider, exception=error)
    except ImmediateHttpResponse as answer:
        return answer.response
    raise error


@require_POST
@admin_required
@reauthentication_required
def factor_reset(request: PersonRequest, pk: int) -> HttpResponse:
    """For somebody who lost their phone and the recovery codes."""
    person = get_object_or_404(User, pk=pk)
    with transaction.atomic():
        taken, _rows = Authenticator.objects.filter(user=person).delete()
        if taken:
            record(AccountEventKind.FACTOR_RESET, user=person, request=request, by=request.user)
            sessions_end(user=person, request=request, by=request.user)
            messages.success(request, _("The second factor is reset. From now on the password alone is enough."))
    return redirect("grading:person", person.pk)


@require_POST
@admin_required
@reauthentication_required
def sso_unlink(request: PersonRequest, pk: int) -> HttpResponse:
    """For an address that went over to somebody else at the provider."""
    person = get_object_or_404(User, pk=pk)
    with transaction.atomic():
        taken, _rows = SocialAccount.objects.filter(user=person).delete()
        if taken:
            record(AccountEventKind.SSO_UNLINKED, user=person, request=request, by=request.user)
            messages.success(
                request, _("The link to single sign-on is gone. The next sign-on with this address makes a new one.")
            )
    return redirect("grading:person", person.pk)
