"""Where somebody is logged in: the open sessions of a person, found and ended.

Django keeps a session under a random name and whose it is inside, signed. So finding somebody's reads every open
session; that is done on a few pages only, and costs the requests of everybody else nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from gradingsite.signin.devices import device_of, device_words
from gradingsite.signin.events import record
from gradingsite.signin.idle import KEY as LAST_USE
from gradingsite.signin.models import AccountEventKind
from gradingsite.signin.tokens import tokens_end

DEVICE = "device"


@dataclass(frozen=True)
class OpenSession:
    """`mark` names a session on the page: its real name would let in whoever reads the page."""

    mark: str
    device: str
    used_at: datetime | None  # to the hour: nobody need see more of what a person does when
    here: bool


def device_note(request: HttpRequest) -> None:
    request.session[DEVICE] = device_of(request.headers.get("User-Agent", ""))


def sessions_of(user: User, *, here: str | None = None) -> list[OpenSession]:
    """The sessions with which `user` could ask for a page now, the one named `here` first, then the latest."""
    works = {user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()}
    idle_since = (timezone.now() - timedelta(seconds=settings.SESSION_IDLE_SECONDS)).timestamp()
    found = [
        _shown(name, data, here)
        for name, data in _rows(user)
        if data.get(HASH_SESSION_KEY) in works and data.get(LAST_USE, idle_since) >= idle_since
    ]
    earliest = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda row: (row.here, row.used_at or earliest), reverse=True)


def session_end(*, user: User, mark: str, request: HttpRequest) -> bool:
    """End the one with this mark; False where there is none any more."""
    names = [name for name, _data in _rows(user) if mark_of(name) == mark]
    return _end(names, user, request) > 0


def sessions_end(*, user: User, request: HttpRequest | None, by: User | None = None, keep: str | None = None) -> int:
    """End all sessions of `user` but the one named `keep`; how many there were. Their API tokens end as well: whoever
    had a session could have made one, and would be in again with it."""
    tokens_end(user=user, request=request, by=by)
    return _end([name for name, _data in _rows(user) if name != keep], user, request, by)


def mark_of(name: str) -> str:
    return salted_hmac("signin.open_sessions", name, algorithm="sha256").hexdigest()[:32]


def _end(names: list[str], user: User, request: HttpRequest | None, by: User | None = None) -> int:
    ended, _kinds = Session.objects.filter(session_key__in=names).delete()
    if ended:
        record(AccountEventKind.SESSIONS_ENDED, user=user, request=request, by=by)
    return ended


def _rows(user: User) -> Iterator[tuple[str, dict[str, Any]]]:
    for row in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        data = row.get_decoded()
        if data.get(SESSION_KEY) == str(user.pk):
            yield row.session_key, data


def _shown(name: str, data: dict[str, Any], here: str | None) -> OpenSession:
    used = data.get(LAST_USE)
    used_at = datetime.fromtimestamp(used, UTC).replace(minute=0, second=0) if used else None
    return OpenSession(mark_of(name), device_words(data.get(DEVICE)), used_at, name == here)
