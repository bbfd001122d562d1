"""How often something may be tried: for an account from anywhere, from an address at anything, and with a browser that
was logged in before.

django-axes locks the pair of account and address. What it does not see are many addresses at one account, and one
address at many accounts; these are counted here, over an hour. The numbers are settings (TRIES_PER_HOUR). Reading takes
no lock and counting is one statement, so that a whole class may log in at once.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from gradingsite.accounts import client_address
from gradingsite.signin import known_browsers
from gradingsite.signin.events import network_of
from gradingsite.signin.models import AccountEvent, AccountEventKind, Tries

KNOWN_FOR = timedelta(days=30)
WINDOW = timedelta(hours=1)


class LimitBackend:
    """Stands before all other backends and lets nobody in; it only stops who tried too often.

    Like that of axes it knows no accounts, so that no session is ever taken for one of its own.
    """

    def authenticate(self, request: HttpRequest | None, username: str | None = None, **kwargs: Any) -> User | None:
        if request is not None and username and too_many_passwords(request, username.strip().lower()):
            request.axes_locked_out = True  # type: ignore[attr-defined]  # axes' middleware says it in words
            raise PermissionDenied
        return None


def too_many_passwords(request: HttpRequest, name: str) -> bool:
    if browser := known_browsers.browser_of(request, name):
        return spent("password_browser", browser)
    if spent("password_address", machine(request)):
        return True
    return spent("password_account", name) and not _known_here(request, name)


def _known_here(request: HttpRequest, name: str) -> bool:
    """Whoever guesses from elsewhere must not be able to lock people out where they usually log in."""
    network = network_of(client_address(request))
    since = timezone.now() - KNOWN_FOR
    lines = AccountEvent.objects.filter(user__username=name, kind=AccountEventKind.SIGNED_IN, at__gt=since)
    return bool(network) and lines.filter(network=network).exists()


def password_failed(request: HttpRequest, name: str) -> None:
    if browser := known_browsers.browser_of(request, name):
        count("password_browser", browser)
        return
    count("password_address", machine(request))
    count("password_account", name)


def link_allowed(request: HttpRequest, email: str) -> bool:
    """Counted for the address as it was typed, whether it belongs to somebody or not: the answer tells nothing.

    Everybody gets the first link of an hour, however many were asked for from the same place: what others do there must
    not keep anybody out. Where an account's limit is spent, the links that were sent still work.
    """
    name, place = email.strip().lower(), machine(request)
    if spent("link_address", place) and tried("link_account", name):
        return False
    if not take("link_account", name):
        return False
    count("link_address", place)
    return True


def old_password_allowed(user_id: int | None) -> bool:
    """Whoever sits down at an open session must not be able to try passwords without end."""
    return not spent("old_password", str(user_id))


def old_password_failed(user_id: int | None) -> None:
    count("old_password", str(user_id))


def machine(request: HttpRequest) -> str:
    """One line into a house: an IPv4 address, or the 64 bits of an IPv6 address that everybody gets."""
    address = client_address(request)
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{found}/64", strict=False)) if found.version == 6 else str(found)


def spent(action: str, what: str) -> bool:
    rows = Tries.objects.filter(key=_key(action, what), until__gt=timezone.now())
    return rows.filter(number__gte=settings.TRIES_PER_HOUR[action]).exists()


def tried(action: str, what: str) -> bool:
    return Tries.objects.filter(key=_key(action, what), until__gt=timezone.now()).exists()


def free_at(action: str, what: str) -> datetime:
    """When it may be tried again."""
    row = Tries.objects.filter(key=_key(action, what)).first()
    return row.until if row is not None else timezone.now()


def take(action: str, what: str) -> bool:
    """Count one try, unless as many were made as may be; whether it was counted. Holds whoever else tries meanwhile."""
    rows = _begun(action, what).filter(number__lt=settings.TRIES_PER_HOUR[action])
    return bool(rows.update(number=F("number") + 1))


def count(action: str, what: str) -> None:
    _begun(action, what).update(number=F("number") + 1)


def _begun(action: str, what: str) -> QuerySet[Tries]:
    """The row that counts these tries; a new one where the hour of the last is over."""
    now, key = timezone.now(), _key(action, what)
    Tries.objects.filter(until__lte=now).delete()
    Tries.objects.get_or_create(key=key, defaults={"number": 0, "until": now + WINDOW})
    return Tries.objects.filter(key=key)


def _key(action: str, what: str) -> str:
    """Neither names nor addresses lie in the table."""
    return salted_hmac("signin.limits", f"{action}:{what}", algorithm="sha256").hexdigest()
