from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.validators import URLValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.models import AppendOnly


def _address(words: Any, longest: int = 500) -> models.CharField[str, str]:
    """An address that an admin enters."""
    return models.CharField(words, max_length=longest, validators=[URLValidator(["http", "https"])])


class StaffCap(models.TextChoices):
    NONE = "none", _("nothing: staff are enrolled here by hand")
    ASSISTANT = "assistant", _("assistants at most")
    TEACHER = "teacher", _("teachers")


class Platform(models.Model):
    """A learning platform that may send people here, as an admin registered it."""

    name = models.CharField(_("name"), max_length=100, help_text=_("What people here call it, such as “Moodle”."))
    issuer = _address(_("issuer (platform ID)"), 255)
    client_id = models.CharField(_("client ID"), max_length=255)
    deployments = models.JSONField(_("deployment IDs"), default=list)
    auth_login_url = _address(_("authentication request URL"))
    auth_token_url = _address(_("access token URL"))
    key_set_url = _address(_("public keyset URL (JWKS)"))
    auth_audience = models.CharField(_("audience of token requests"), max_length=500, blank=True)
    service_hosts = models.JSONField(_("further hosts of its services"), default=list, blank=True)
    enabled = models.BooleanField(_("in use"), default=True)
    staff_cap = models.CharField(
        _("its teachers become here"), max_length=10, choices=StaffCap.choices, default=StaffCap.NONE
    )
    makes_accounts = models.BooleanField(_("who has no account yet gets one"), default=True)
    sends_feedback = models.BooleanField(_("the feedback goes along with the points"), default=False)
    refused_host = models.CharField(max_length=255, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["issuer", "client_id"],
                name="one_platform_per_issuer_and_client",
                violation_error_message=_("This issuer is registered with this client ID already."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def may_be_asked(self, url: str) -> bool:
        """Whether a service's address lies where an admin said that this platform's services are: what a token names
        must not make this server talk to just anybody."""
        known = (self.issuer, self.auth_login_url, self.auth_token_url, self.key_set_url)
        try:
            parts = urlsplit(url)
            origin, host = _origin(url), (parts.netloc or "").lower()
        except ValueError:
            return False
        if parts.scheme not in ("http", "https") or not host or "@" in host:
            return False
        if origin in {_origin(address) for address in known}:
            return True
        return parts.scheme == "https" and host in self.service_hosts


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    standard = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or standard


class PlatformEvent(AppendOnly):
    """One line of a platform's history: who registered or changed it. Appended, never changed."""

    platform = models.ForeignKey(Platform, models.CASCADE, null=True, related_name="events")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=30)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.action} · {self.platform_id}"


class ToolKey(models.Model):
    """A key pair of this site. The newest one signs; older ones stay published until an admin takes them away.

    The private half is encrypted with SECRET_KEY and shown nowhere.
    """

    kid = models.CharField(max_length=64, unique=True)
    public_pem = models.TextField()
    sealed_pem = models.TextField()
    signs = models.BooleanField(default=True)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["signs"], condition=models.Q(signs=True), name="one_key_signs")]

    def __str__(self) -> str:
        return self.kid


class Launch(models.Model):
    """A message of a platform that was verified. The nonce makes that each is taken once; the ticket leads the same
    browser in. What it says about a person is emptied as soon as the person is in, or after an hour."""

    platform = models.ForeignKey(Platform, models.CASCADE)
    nonce = models.CharField(max_length=64, unique=True)
    ticket = models.CharField(max_length=64, unique=True)
    browser = models.CharField(max_length=64)
    claims = models.JSONField(default=dict)
    opened_at = models.DateTimeField(null=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.platform_id} {self.at:%Y-%m-%d %H:%M}"
