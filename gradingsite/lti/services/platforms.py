"""Registering and changing platforms, with their history."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from courses.services.saving import save_checked, set_fields
from gradingsite.lti.models import Platform, PlatformEvent

FIELDS = (
    "name",
    "issuer",
    "client_id",
    "deployments",
    "auth_login_url",
    "auth_token_url",
    "key_set_url",
    "auth_audience",
    "service_hosts",
    "enabled",
    "staff_cap",
    "makes_accounts",
    "sends_feedback",
)


@transaction.atomic
def platform_register(*, by: User, **fields: Any) -> Platform:
    """
    Raises:
        InvalidFields
    """
    platform = Platform()
    set_fields(platform, fields, FIELDS)
    save_checked(platform)
    PlatformEvent.objects.create(platform=platform, actor=by, action="registered", after=_values(platform))
    return platform


@transaction.atomic
def platform_update(*, platform: Platform, by: User, **fields: Any) -> Platform:
    """
    Raises:
        InvalidFields
    """
    before = _values(Platform.objects.select_for_update().get(pk=platform.pk))
    set_fields(platform, fields, FIELDS)
    if set(fields) & {"service_hosts", "auth_login_url"}:
        platform.refused_host = ""
    save_checked(platform)
    after = _values(platform)
    changed = [name for name in FIELDS if before[name] != after[name]]
    if changed:
        PlatformEvent.objects.create(
            platform=platform,
            actor=by,
            action="changed",
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )
    return platform


def _values(platform: Platform) -> dict[str, Any]:
    return {name: getattr(platform, name) for name in FIELDS}
