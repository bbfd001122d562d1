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
    {
        Kind.FACTOR_ON,
        Kind.FACTOR_OFF,
        Kind.FACTOR_RESET,
        Kind.CODES_MADE,
        Kind.SSO_LINKED,
        Kind.TOKEN_MADE,
        Kind.ADDRESS_CHANGED,
        Kind.RIGHTS_CHANGED,
        Kind.CLOSED,
        Kind.OPENED,
    }
)


def tell(line: AccountEvent, *, also_to: str = "") -> None:
    """Queue the mail. A password set by a link was a mail already."""
    changed = line.kind in CHANGES or (line.kind == Kind.PASSWORD_SET and line.how != "link")
    if not changed or line.user is None:
        return
    language = get_language() or settings.LANGUAGE_CODE
    for address in {line.user.email, also_to} - {""}:
        _queue(line.pk, language, address)


def _queue(event_id: int, language: str, to: str) -> None:
    # A lambda and no partial: when a robust hook fails, Django logs its __qualname__.
    transaction.on_commit(lambda: mail_account_change.delay(event_id, language, to), robust=True)


def account_change_send(*, event_id: int, language: str, to: str = "") -> None:
    """Send it to `to`, or to the owner's address where none is given, as in messages of older code."""
    line = AccountEvent.objects.filter(pk=event_id).select_related("user").first()
    if line is None or line.user is None:
        return
    with override(language):
        context = {"line": line, "link": settings.SITE_URL + reverse("password_reset")}
        body = render_to_string("signin/account_change_email.txt", context)
        send_mail(gettext("Your login at Marginalia was changed"), body, None, [to or line.user.email])
