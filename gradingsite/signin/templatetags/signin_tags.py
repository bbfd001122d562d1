from __future__ import annotations

from typing import Any

from allauth.socialaccount.models import SocialAccount
from django import template
from django.contrib.auth.models import User

from gradingsite.signin.models import AccountEvent
from gradingsite.signin.open_sessions import sessions_of
from gradingsite.signin.required import has_second_factor, must_have_second_factor

register = template.Library()
SHOWN = 50


@register.filter
def second_factor_required(user: User) -> bool:
    return must_have_second_factor(user)


@register.inclusion_tag("signin/_account.html", takes_context=True)
def account_signin(context: dict[str, Any], row: User) -> dict[str, Any]:
    """What an admin sees on a person's page: how they log in, what is open, and the latest lines of the record."""
    return {
        "row": row,
        "csrf_token": context.get("csrf_token"),
        "second_factor": has_second_factor(row),
        "sessions": len(sessions_of(row)),
        "tokens": row.api_tokens.all(),
        "linked": SocialAccount.objects.filter(user=row).exists(),
        "events": AccountEvent.objects.filter(user=row).select_related("by")[:SHOWN],
    }
