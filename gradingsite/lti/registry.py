"""The registered platforms, as PyLTI1p3 asks for them."""

from __future__ import annotations

from typing import Any

from pylti1p3.deployment import Deployment
from pylti1p3.registration import Registration
from pylti1p3.tool_config.abstract import ToolConfAbstract

from gradingsite.lti.keys import usable_key
from gradingsite.lti.models import Platform


class Registry(ToolConfAbstract[Any]):
    """One platform alone: which one it is has been found before, so that no token can name another."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def check_iss_has_one_client(self, iss: str) -> bool:
        return False

    def check_iss_has_many_clients(self, iss: str) -> bool:
        return True

    def find_registration_by_issuer(self, iss: str, *args: Any, **kwargs: Any) -> Registration:
        raise NotImplementedError

    def find_registration_by_params(self, iss: str, client_id: str, *args: Any, **kwargs: Any) -> Registration:
        return registration(self.platform)

    def find_deployment(self, iss: str, deployment_id: str) -> Deployment | None:
        raise NotImplementedError

    def find_deployment_by_params(
        self, iss: str, deployment_id: str, client_id: str, *args: Any, **kwargs: Any
    ) -> Deployment | None:
        known = deployment_id in self.platform.deployments
        return Deployment().set_deployment_id(deployment_id) if known else None


def registration(platform: Platform, *, signing: bool = False) -> Registration:
    """`signing`: with the private key, for requests of this site's own."""
    found = (
        Registration()
        .set_issuer(platform.issuer)
        .set_client_id(platform.client_id)
        .set_auth_login_url(platform.auth_login_url)
        .set_auth_token_url(platform.auth_token_url)
        .set_key_set_url(platform.key_set_url)
    )
    if platform.auth_audience:
        found.set_auth_audience(platform.auth_audience)
    if signing:
        key, private = usable_key()
        found.set_tool_public_key(key.public_pem).set_tool_private_key(private)
    return found


def platform_find(issuer: str, client_id: str) -> Platform | None:
    """An issuer may be registered with several client ids; a platform that sends none has to be the only one."""
    if "\0" in issuer + client_id:
        return None
    rows = Platform.objects.filter(issuer=issuer, enabled=True)
    if client_id:
        rows = rows.filter(client_id=client_id)
    found = list(rows[:2])
    return found[0] if len(found) == 1 else None
