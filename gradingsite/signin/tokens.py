"""Tokens with which a person's programs speak to the API: made, recognised, withdrawn."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from courses.errors import UserError
from gradingsite.signin.events import record
from gradingsite.signin.models import AccountEventKind, ApiToken
from gradingsite.signin.required import has_second_factor, must_have_second_factor

PREFIX = "mgt_"  # so that a token that leaked into a file can be found by what it looks like
MOST = 20  # of one person
LAST_USE_KEPT = timedelta(minutes=1)  # a program that asks all day need not write at each question


class TooManyTokens(UserError):
    code = "too_many_tokens"
    words = _("You have %(most)d tokens, which is as many as there can be. Withdraw one that is not used any more.")


class EndIsPast(UserError):
    code = "end_is_past"
    words = _("The end of a token must lie in the future.")


class SecondFactorMissing(UserError):
    code = "second_factor_missing"
    words = _("At this school everybody who marks needs a second factor. Please set it up first.")


def token_make(
    *, user: User, name: str, scope: str, expires_at: datetime | None, request: HttpRequest | None
) -> tuple[ApiToken, str]:
    """The row, and the token itself, which is not to be had again.

    Raises:
        SecondFactorMissing, TooManyTokens, EndIsPast
    """
    if lacks_second_factor(user):
        raise SecondFactorMissing
    if expires_at is not None and expires_at <= timezone.now():
        raise EndIsPast
    token = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if user.api_tokens.count() >= MOST:
            raise TooManyTokens(most=MOST)
        row = ApiToken.objects.create(
            user=user, name=name, scope=scope, expires_at=expires_at, digest=digest_of(token), hint=token[:8]
        )
        record(AccountEventKind.TOKEN_MADE, user=user, request=request, how=row.hint)
    return row, token


def token_drop(*, token: ApiToken, request: HttpRequest | None) -> None:
    with transaction.atomic():
        gone, _rows = ApiToken.objects.filter(pk=token.pk).delete()
        if gone:
            record(AccountEventKind.TOKEN_WITHDRAWN, user=token.user, request=request, how=token.hint)


def tokens_end(*, user: User, request: HttpRequest | None, by: User | None = None) -> int:
    """Withdraw all tokens of `user`; how many there were."""
    with transaction.atomic():
        rows = list(ApiToken.objects.select_for_update().filter(user=user))
        for row in rows:
            record(AccountEventKind.TOKEN_WITHDRAWN, user=user, request=request, how=row.hint, by=by)
        ApiToken.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def token_known(token: str) -> ApiToken | None:
    """The row of a token that works: neither withdrawn nor over, of an account that is open. Notes the use."""
    now = timezone.now()
    rows = ApiToken.objects.filter(digest=digest_of(token), user__is_active=True).select_related("user")
    row = rows.filter(Q(expires_at=None) | Q(expires_at__gt=now)).first()
    if row is not None and (row.last_used_at is None or row.last_used_at < now - LAST_USE_KEPT):
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
    return row


def lacks_second_factor(user: User) -> bool:
    return must_have_second_factor(user) and not has_second_factor(user)


def digest_of(token: str) -> str:
    """256 random bits need no slow hash: nobody can try them."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
