"""What ties a launch to the login that began it, without a row: a signed state, and a cookie of the browser.

The platform's answer is a POST from its own pages, with which a browser sends no Lax cookie. So the answer only earns
a ticket, and the cookie is looked at one step later, when the browser follows to a page of this site. No cookie has to
be allowed into somebody else's pages.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from gradingsite.lti.errors import StateTooOld

SECONDS = 600
SALT = "gradingsite.lti.state"
PATH = "/lti/"


@dataclass(frozen=True)
class State:
    platform: int
    nonce: str
    browser: str  # digest of what the cookie holds

    @property
    def cookie(self) -> str:
        """One for each login, so that two tabs do not take each other's."""
        return cookie_name(self.nonce)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def cookie_name(nonce: str) -> str:
    return f"lti-{digest(nonce)[:12]}"


def begin(platform: int) -> tuple[State, str]:
    """A new state and the secret for the browser's cookie."""
    secret = secrets.token_urlsafe(32)
    return State(platform, secrets.token_urlsafe(32), digest(secret)), secret


def seal(state: State) -> str:
    return signing.dumps([state.platform, state.nonce, state.browser], salt=SALT)


def opened(text: str) -> State:
    """
    Raises:
        StateTooOld: also where it is not one of ours.
    """
    try:
        platform, nonce, browser = signing.loads(text, salt=SALT, max_age=SECONDS)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise StateTooOld from error
    return State(platform, nonce, browser)


def set_cookie(response: HttpResponseBase, state: State, secret: str) -> None:
    response.set_cookie(
        state.cookie, secret, max_age=SECONDS, path=PATH, secure=settings.HTTPS, httponly=True, samesite="Lax"
    )


def same_browser(request: HttpRequest, nonce: str, browser: str) -> bool:
    held = request.COOKIES.get(cookie_name(nonce), "")
    return bool(held) and secrets.compare_digest(digest(held), browser)
