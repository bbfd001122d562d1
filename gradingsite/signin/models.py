from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class AccountEventKind(models.TextChoices):
    SIGNED_IN = "signed_in", _("Logged in")
    WRONG_PASSWORD = "wrong_password", _("Wrong password")
    WRONG_CODE = "wrong_code", _("Wrong code of the second factor")
    LOCKED = "locked", _("Refused after too many tries")
    INACTIVE = "inactive", _("Refused: the account is deactivated")
    SSO_REFUSED = "sso_refused", _("Refused after single sign-on")
    SSO_LINKED = "sso_linked", _("Single sign-on linked")
    SSO_UNLINKED = "sso_unlinked", _("Single sign-on unlinked")
    FACTOR_ON = "factor_on", _("Second factor switched on")
    FACTOR_OFF = "factor_off", _("Second factor switched off")
    FACTOR_RESET = "factor_reset", _("Second factor reset by an admin")
    CODES_MADE = "codes_made", _("New recovery codes made")
    PASSWORD_SET = "password_set", _("Password set or changed")
    ADDRESS_CHANGED = "address_changed", _("E-mail address changed by an admin")
    RIGHTS_CHANGED = "rights_changed", _("Rights of an admin given or taken")
    CLOSED = "closed", _("Account deactivated")
    OPENED = "opened", _("Account activated again")
    TOKEN_MADE = "token_made", _("Token for programs made")
    TOKEN_WITHDRAWN = "token_withdrawn", _("Token for programs withdrawn")
    SESSIONS_ENDED = "sessions_ended", _("Sessions ended")


WAYS: dict[str, str | Promise] = {
    "password": _("password"),
    "sso": _("single sign-on"),
    "totp": _("code of the app"),
    "recovery_codes": _("recovery code"),
    "link": _("link by e-mail"),
    "lti": _("learning platform"),
    "admin": _("by an admin"),
}


class Appended(Exception):
    """Somebody tried to change what is only ever added to."""


class AccountEventQuerySet(models.QuerySet["AccountEvent"]):
    def update(self, **kwargs: Any) -> int:
        raise Appended


class AccountEvent(models.Model):
    """One line of what happened at somebody's account: who, what, how, when, from roughly where.

    Appended, never changed; it goes with the account, or after LOGIN_RECORD_DAYS. What was typed is never kept: a name
    that belongs to nobody may well be a password in the wrong field.
    """

    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="account_events")
    kind = models.CharField(max_length=20, choices=AccountEventKind)
    how = models.CharField(max_length=60, blank=True)  # the ways of authentication, with “+” between them
    network = models.CharField(max_length=50, blank=True)  # the address without its last part
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = AccountEventQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        indexes = [models.Index(fields=["user", "kind", "at"], name="account_event_lookup")]
        verbose_name = _("line of the login record")
        verbose_name_plural = _("lines of the login record")

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise Appended
        super().save(*args, **kwargs)

    @property
    def how_words(self) -> str:
        return ", ".join(str(WAYS.get(way, way)) for way in self.how.split("+") if way)


class TokenScope(models.TextChoices):
    READ = "read", _("read")
    WRITE = "write", _("read and write")


class ApiToken(models.Model):
    """What a program of one person shows instead of a password. The token itself is kept nowhere: only its digest, and
    its first characters, by which the person tells one from another. It can do what the person can, or only read.

    The row goes when the token is withdrawn; the record of logins keeps both moments.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=60)
    scope = models.CharField(_("what it may do"), max_length=5, choices=TokenScope, default=TokenScope.READ)
    hint = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(_("ends"), null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        verbose_name = _("token for programs")
        verbose_name_plural = _("tokens for programs")

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"


class CacheEntry(models.Model):
    """The table behind Django's cache: what all web processes must agree on, such as codes that were used already."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "site_cache"

    def __str__(self) -> str:
        return self.cache_key


class Tries(models.Model):
    """How often one thing was tried since it began to count; the row goes when its hour is over."""

    key = models.CharField(max_length=64, primary_key=True)
    number = models.PositiveIntegerField()
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.number} until {self.until:%H:%M}"
