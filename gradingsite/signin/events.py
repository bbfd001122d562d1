"""The record of sign-ins: the one place that writes it."""

from __future__ import annotations

import ipaddress
import logging
from datetime import timedelta

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone

from gradingsite.accounts import client_address
from gradingsite.signin.mails import tell
from gradingsite.signin.models import AccountEvent, AccountEventKind

log = logging.getLogger("gradingsite.security")
# Networks, not persons: a school or a household, hardly ever one machine.
IPV4_PREFIX, IPV6_PREFIX = 24, 48
FAILURES = frozenset(
    {
        AccountEventKind.WRONG_PASSWORD,
        AccountEventKind.WRONG_CODE,
        AccountEventKind.LOCKED,
        AccountEventKind.INACTIVE,
        AccountEventKind.SSO_REFUSED,
    }
)


def record(
    kind: AccountEventKind,
    *,
    user: User | None,
    request: HttpRequest | None,
    how: str = "",
    by: User | None = None,
    told: bool = True,
    also_to: str = "",
) -> None:
    """Append one line. A failure goes to the log too, with a number in place of the name; a change to its owner, where
    nothing else tells them (`told`), and to an address that was theirs until now (`also_to`)."""
    network = network_of(client_address(request)) if request is not None else ""
    line = AccountEvent.objects.create(kind=kind, user=user, how=how, network=network, by=by)
    if told:
        tell(line, also_to=also_to)
    if kind in FAILURES:
        log.warning(
            "%s: account %s from %s",
            kind,
            user.pk if user else "unknown",
            network,
            extra={"event": str(kind), "user": user.pk if user else ""},
        )


def forget_old() -> int:
    """What is older than the site keeps it; the number of lines."""
    before = timezone.now() - timedelta(days=settings.LOGIN_RECORD_DAYS)
    gone, _rows = AccountEvent.objects.filter(at__lt=before).delete()
    return gone


def network_of(address: str) -> str:
    """“192.0.2.17” is “192.0.2.0/24”; what is no address is left out."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    found = getattr(found, "ipv4_mapped", None) or found
    prefix = IPV4_PREFIX if found.version == 4 else IPV6_PREFIX
    return str(ipaddress.ip_network(f"{found}/{prefix}", strict=False))


def ways(request: HttpRequest, user: User) -> str:
    """How this session was authenticated, in the order in which it was asked: “password+totp”."""
    records = get_authentication_records(request, user)
    names = [row.get("type") or row["method"] for row in records if not row.get("reauthenticated")]
    return "+".join("sso" if name == "socialaccount" else str(name) for name in names)
