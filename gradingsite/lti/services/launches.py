"""A verified launch: kept once, opened once by the browser that began it, emptied of what it says about a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from gradingsite.lti.claims import Claims
from gradingsite.lti.errors import OtherBrowser, Replayed, StateTooOld
from gradingsite.lti.models import Launch, Platform
from gradingsite.lti.states import SECONDS, State, begin, digest, same_browser

# A nonce is kept for longer than a state is good for, so that nothing can come twice.
NONCE_KEPT = timedelta(days=1)
CLAIMS_KEPT = timedelta(hours=1)


def launch_keep(*, platform: Platform, state: State, claims: Claims) -> tuple[Launch, str]:
    """The row, and the ticket with which the browser opens it.

    Raises:
        Replayed: the nonce was used before.
    """
    _state, ticket = begin(platform.pk)
    try:
        with transaction.atomic():
            row = Launch.objects.create(
                platform=platform,
                nonce=digest(state.nonce),
                ticket=digest(ticket),
                browser=state.browser,
                # The nonce names the cookie; the row's own is a digest of it.
                claims={**claims.plain(), "nonce": state.nonce},
            )
    except IntegrityError as error:
        raise Replayed from error
    return row, ticket


def launch_open(*, request: HttpRequest, ticket: str) -> Launch:
    """The launch of this ticket, for the browser that began it.

    Raises:
        StateTooOld, OtherBrowser, Replayed
    """
    fresh = timezone.now() - timedelta(seconds=SECONDS)
    row = Launch.objects.filter(ticket=digest(ticket), at__gte=fresh).select_related("platform").first()
    if row is None or not row.platform.enabled:
        raise StateTooOld
    if row.opened_at is not None:
        raise Replayed
    if not same_browser(request, row.claims.get("nonce", ""), row.browser):
        raise OtherBrowser
    if Launch.objects.filter(pk=row.pk, opened_at=None).update(opened_at=timezone.now()) != 1:
        raise Replayed
    return row


def claims_kept(row: Launch) -> Claims | None:
    """What the launch said, as long as it is kept."""
    kept: dict[str, Any] = {name: value for name, value in row.claims.items() if name != "nonce"}
    return Claims(**kept) if kept.get("sub") else None


def launch_done(*, row: Launch) -> None:
    Launch.objects.filter(pk=row.pk).update(claims={})


def launches_forget() -> None:
    now = timezone.now()
    Launch.objects.filter(at__lt=now - NONCE_KEPT).delete()
    Launch.objects.filter(at__lt=now - CLAIMS_KEPT).exclude(claims={}).update(claims={})
