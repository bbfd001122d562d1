"""A mail to whoever's way of logging in was changed, so that a change by somebody else does not go unseen."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language, gettext, override

from gradingsite.signin.models import AccountEvent
from gradingsite.signin.models import AccountEventKind as Kind
from gradingsite.signin.tasks import mail_account_change

CHANGES = frozenset(
    {Kind.FACTOR_ON, Kind.FACTOR_OFF, Kind.FACTOR_RESET, Kind.CODES_MADE, Kind.SSO_LINKED, Kind.TOKEN_MADE}
)


def tell(line: AccountEvent) -> None:
    """Queue the mail. A password set by a link was a mail already."""
    changed = line.kind in CHANGES or (line.kind == Kind.PASSWORD_SET and line.how == "password")
    if changed and line.user is not None and line.user.email:
        event_id, language = line.pk, get_language() or settings.LANGUAGE_CODE
        # A lambda and no partial: when a robust hook fails, Django logs its __qualname__.
        transaction.on_commit(lambda: mail_account_change.delay(event_id, language), robust=True)


def account_change_send(*, event_id: int, language: str) -> None:
    line = AccountEvent.objects.filter(pk=event_id).select_related("user").first()
    if line is None or line.user is None:
        return
    with override(language):
        context = {"line": line, "link": settings.SITE_URL + reverse("password_reset")}
        body = render_to_string("signin/account_change_email.txt", context)
        send_mail(gettext("Your login at Marginalia was changed"), body, None, [line.user.email])
