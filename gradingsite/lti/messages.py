"""Login and launch as PyLTI1p3 has them, held to what it leaves open: one platform, RS256 and nothing else, a token
with an end that was made for this client, and no session that a second try could lean on."""

from __future__ import annotations

from typing import Any, cast

import jwt
from django.core.cache import cache
from django.http import HttpRequest
from jwcrypto.common import JWException
from pylti1p3.contrib.django.message_launch import DjangoMessageLaunch
from pylti1p3.contrib.django.oidc_login import DjangoOIDCLogin
from pylti1p3.exception import LtiException, OIDCException
from pylti1p3.registration import TKeySet

from gradingsite.lti.errors import (
    LaunchRefused,
    PlatformSilent,
    Replayed,
    TokenExpired,
    TokenForged,
    UnknownDeployment,
    UnknownPlatform,
    UnsupportedMessage,
)
from gradingsite.lti.http import PlatformAway, PlatformSession
from gradingsite.lti.models import Platform
from gradingsite.lti.registry import Registry
from gradingsite.lti.states import State, seal

LEEWAY = 30  # seconds that two clocks may differ
KEYS_KEPT, KEYS_ASKED_AGAIN_AFTER = 3600, 10
LONGEST_TOKEN = 64 * 1024
CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"


class Nowhere:
    """In place of PyLTI1p3's session and cookies: the signed state carries what they would."""

    def save_nonce(self, nonce: str) -> None: ...

    def set_cookie(self, name: str, value: str | int, exp: int | None = None) -> None: ...

    def update_response(self, response: Any) -> None: ...


class LoginStart(DjangoOIDCLogin):
    """Where a browser is sent that a platform announces."""

    def __init__(self, request: HttpRequest, platform: Platform, state: State) -> None:
        super().__init__(request, Registry(platform), session_service=Nowhere(), cookie_service=Nowhere())
        self.state = state

    def _get_uuid(self) -> str:
        return seal(self.state)

    def _generate_nonce(self) -> str:
        return self.state.nonce

    def address(self, launch_url: str) -> str:
        """
        Raises:
            LaunchRefused
        """
        try:
            return str(self.get_redirect_object(launch_url).get_redirect_url())
        except OIDCException as error:
            raise LaunchRefused from error


def state_given(request: HttpRequest) -> str:
    return request.POST.get("state", "").removeprefix("state-")


class TokenLaunch(DjangoMessageLaunch):
    """The platform's answer. `verified` is all there is to call."""

    def __init__(self, request: HttpRequest, platform: Platform, state: State) -> None:
        super().__init__(
            request,
            Registry(platform),
            session_service=Nowhere(),
            cookie_service=Nowhere(),
            requests_session=PlatformSession(platform),
        )
        self.platform = platform
        self.state = state

    def verified(self) -> dict[str, Any]:
        """The body of the token.

        Raises:
            LaunchRefused
        """
        token = self._request.get_param("id_token")
        if not isinstance(token, str) or not token or len(token) > LONGEST_TOKEN:
            raise LaunchRefused
        try:
            self.validate()
        except PlatformAway as error:
            raise PlatformSilent(platform=self.platform.name) from error
        except (LtiException, AttributeError, TypeError, KeyError, ValueError, RecursionError) as error:
            raise LaunchRefused from error
        return dict(self._jwt["body"])

    def validate_state(self) -> TokenLaunch:
        """The view has opened it: which platform this is about is known by it."""
        return self

    def validate_nonce(self) -> TokenLaunch:
        if self._get_jwt_body().get("nonce") != self.state.nonce:
            raise Replayed
        return self

    def validate_registration(self) -> TokenLaunch:
        self._registration = self._tool_config.find_registration_by_params("", "")
        return self

    def validate_jwt_signature(self) -> TokenLaunch:
        if self._jwt["header"].get("alg") != "RS256":
            raise TokenForged
        try:
            key, _alg = self.get_public_key()
            body = jwt.decode(
                self._get_id_token(),
                key,
                algorithms=["RS256"],
                audience=self.platform.client_id,
                issuer=self.platform.issuer,
                leeway=LEEWAY,
                options={"require": ["iss", "aud", "exp", "iat", "nonce", "sub"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenExpired from error
        except jwt.ImmatureSignatureError as error:
            raise TokenExpired from error
        except PlatformAway:
            raise
        except (jwt.PyJWTError, JWException, LtiException) as error:
            raise TokenForged from error
        audience = body["aud"]
        if body["nonce"] != self.state.nonce:  # what was read before was not vouched for yet
            raise Replayed
        if isinstance(audience, list) and len(audience) > 1 and body.get("azp") != self.platform.client_id:
            raise TokenForged
        self._jwt["body"] = cast("Any", body)
        return self

    def validate_deployment(self) -> TokenLaunch:
        deployment = self._get_jwt_body().get(f"{CLAIM}deployment_id")
        if not isinstance(deployment, str) or deployment not in self.platform.deployments:
            raise UnknownDeployment(platform=self.platform.name, deployment=str(deployment)[:100])
        return self

    def validate_message(self) -> TokenLaunch:
        kind = self._get_jwt_body().get(f"{CLAIM}message_type")
        if kind not in ("LtiResourceLinkRequest", "LtiDeepLinkingRequest"):
            raise UnsupportedMessage
        super().validate_message()
        return self

    def save_launch_data(self) -> TokenLaunch:
        """The view keeps what is needed of it, with the nonce that makes it count once."""
        return self

    def fetch_public_key(self, key_set_url: str) -> TKeySet:
        """Kept for an hour. A key that is not among them has them fetched again, but not by everybody at once."""
        place = f"lti.keys:{self.platform.pk}:{key_set_url}"
        kept = cache.get(place)
        wanted = self._jwt["header"].get("kid")
        if kept is not None and any(key.get("kid") == wanted for key in kept["keys"]):
            return cast("TKeySet", kept)
        if kept is not None and not cache.add(f"{place}:asked", True, timeout=KEYS_ASKED_AGAIN_AFTER):
            return cast("TKeySet", kept)
        found = self._fetched(key_set_url)
        cache.set(place, found, timeout=KEYS_KEPT)
        return found

    def _fetched(self, key_set_url: str) -> TKeySet:
        answer = self._requests_session.get(key_set_url)
        try:
            keys = answer.json()["keys"]
        except (ValueError, KeyError, TypeError) as error:
            raise PlatformAway("nonsense", answer.status_code) from error
        if not answer.ok or not isinstance(keys, list):
            raise PlatformAway("nonsense", answer.status_code)
        return {"keys": cast("Any", [key for key in keys if isinstance(key, dict)])}


def platform_of(state: State) -> Platform:
    """
    Raises:
        UnknownPlatform: it was switched off meanwhile.
    """
    platform = Platform.objects.filter(pk=state.platform, enabled=True).first()
    if platform is None:
        raise UnknownPlatform
    return platform
