"""What django-allauth is told of the one OpenID Connect provider that the environment names."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from gradingsite import env


def providers(issuer: str, button: str, https: bool) -> dict[str, Any]:
    """SOCIALACCOUNT_PROVIDERS; nothing is served where there is no issuer."""
    own = {"provider_class": "gradingsite.signin.provider.SchoolProvider"}
    if not issuer:
        return {"openid_connect": {**own, "APPS": []}}
    client, secret = env.text("OIDC_CLIENT_ID"), env.text("OIDC_CLIENT_SECRET")
    if not client or not secret:
        raise ImproperlyConfigured("OIDC_ISSUER is set; OIDC_CLIENT_ID and OIDC_CLIENT_SECRET must be set with it.")
    if https and not issuer.startswith("https://"):
        raise ImproperlyConfigured("With HTTPS=1, OIDC_ISSUER must begin with https:// as well.")
    app = {
        "provider_id": "school",
        "name": button,
        "client_id": client,
        "secret": secret,
        "settings": {"server_url": issuer},
    }
    return {"openid_connect": {**own, "APPS": [app]}}
