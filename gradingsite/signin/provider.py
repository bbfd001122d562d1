"""The school's OpenID Connect provider: allauth's client, held to what the standard says and allauth leaves open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

NEEDED = ("issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")


LONGEST_SUBJECT = 191
# With the provider's own key only: a secret that both sides know would let either sign.
SIGNATURES = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})


@contextmanager
def nonsense_refused() -> Iterator[None]:
    """An answer in no form that the standard knows is an error of the provider, not of this site."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, jwt.PyJWTError) as error:
        raise OAuth2Error("the provider's answer cannot be read") from error


class SchoolOAuth2Adapter(OpenIDConnectOAuth2Adapter):
    @property
    def openid_config(self) -> dict[str, Any]:
        with nonsense_refused():
            config: dict[str, Any] = super().openid_config
        if not all(isinstance(config.get(key), str) for key in NEEDED):
            raise OAuth2Error("the discovery document is incomplete")
        expected = self.get_provider().app.settings["server_url"]
        if config["issuer"].rstrip("/") != expected.rstrip("/"):
            raise OAuth2Error("the discovery document names another issuer")
        return config

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        path = reverse("sso_callback")
        return settings.SITE_URL + path if settings.SITE_URL else request.build_absolute_uri(path)

    def get_access_token_data(self, *args: Any, **kwargs: Any) -> Any:
        with nonsense_refused():
            return super().get_access_token_data(*args, **kwargs)

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        with nonsense_refused():
            response = kwargs["response"]
            claims = self._decode_id_token(app, response["id_token"])
            userinfo = self._fetch_user_info(token.token)
            if userinfo["sub"] != claims["sub"] or len(claims["sub"]) > LONGEST_SUBJECT:
                raise OAuth2Error("userinfo is about somebody else")
            data = {"userinfo": userinfo, "id_token": claims}
            return self.get_provider().sociallogin_from_response(request, data)

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        """With its signature, always: a deployment inside a school may talk to its provider without TLS."""
        config = self.openid_config
        with nonsense_refused():
            if jwt.get_unverified_header(id_token)["alg"] not in SIGNATURES:
                raise OAuth2Error("the token is signed in a way that is not taken here")
        return jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=config["jwks_uri"],
            issuer=config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
        )


class SchoolProvider(OpenIDConnectProvider):
    oauth2_adapter_class = SchoolOAuth2Adapter
    pkce_enabled_default = True
