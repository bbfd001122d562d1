"""The page on which a person makes tokens for programs, sees when each was used, and withdraws them."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from courses.forms import layout
from courses.views.requests import PersonRequest, errors_on, sent
from gradingsite.signin.models import ApiToken, TokenScope
from gradingsite.signin.tokens import token_drop, token_make


class TokenForm(forms.Form):
    helper = layout()

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60, help_text=gettext_lazy("What will use it."))
    scope = forms.ChoiceField(label=gettext_lazy("What it may do"), choices=TokenScope.choices)
    expires_at = forms.DateTimeField(
        label=gettext_lazy("Ends"),
        required=False,
        help_text=gettext_lazy("Empty: it works until you withdraw it."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )


@login_required
@require_http_methods(["GET", "POST"])
@reauthentication_required(allow_get=True)  # whoever sits down at an open session must not take a token along
def tokens(request: PersonRequest) -> HttpResponse:
    form, made, secret = TokenForm(**sent(request)), None, ""
    if request.method == "POST" and form.is_valid():
        with errors_on(form):
            made, secret = token_make(user=request.user, request=request, **form.cleaned_data)
            form = TokenForm()
    context = {"form": form, "made": made, "secret": secret, "now": timezone.now()}
    return render(request, "signin/tokens.html", {**context, "tokens": request.user.api_tokens.all()})


@require_POST
@login_required
def token_withdraw(request: PersonRequest, pk: int) -> HttpResponse:
    token = ApiToken.objects.filter(user=request.user, pk=pk).first()
    if token is None:
        raise Http404
    token_drop(token=token, request=request)
    messages.success(request, _("The token “%(name)s” does not work any more.") % {"name": token.name})
    return redirect("tokens")
