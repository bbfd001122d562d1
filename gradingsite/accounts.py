"""Logging in: by e-mail address in any spelling, with failed tries counted for an account and an address."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest


class EmailBackend(ModelBackend):
    """Usernames are e-mail addresses in lower case; phones like to begin them with a capital letter."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        username = username.strip().lower() if username else username
        return super().authenticate(request, username=username, password=password, **kwargs)


def login_name(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """One account is one name to the counter of failures, however it is spelt."""
    given = (credentials or {}).get("username") or request.POST.get("username", "")
    return str(given).strip().lower()


def client_address(request: HttpRequest) -> str:
    """The address that the outermost proxy of our own saw.

    Whatever stands further left in X-Forwarded-For was written by the client and proves nothing.
    """
    proxies = settings.TRUSTED_PROXIES
    chain = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    if proxies and len(chain) >= proxies:
        return chain[-proxies]
    return str(request.META.get("REMOTE_ADDR", ""))
