"""Requests to a platform's services, with a token that is asked for with this site's signature."""

from __future__ import annotations

from collections.abc import Sequence

import requests
from pylti1p3.service_connector import ServiceConnector, TServiceConnectorResponse
from requests.utils import parse_header_links

from gradingsite.lti.http import PlatformAway, PlatformSession
from gradingsite.lti.models import Platform
from gradingsite.lti.registry import registration


class Connector(ServiceConnector):
    def __init__(self, platform: Platform) -> None:
        super().__init__(registration(platform, signing=True), PlatformSession(platform))
        self.platform = platform

    def get_access_token(self, scopes: Sequence[str]) -> str:
        try:
            token = super().get_access_token(scopes)
        except requests.JSONDecodeError as error:
            raise PlatformAway("nonsense") from error
        if not isinstance(token, str):
            raise PlatformAway("nonsense")
        return token

    def make_service_request(
        self,
        scopes: Sequence[str],
        url: str,
        is_post: bool = False,
        data: str | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        case_insensitive_headers: bool = True,
    ) -> TServiceConnectorResponse:
        """PyLTI1p3 writes the address of the next page in small letters, and many platforms tell them apart.

        A score's answer may have any body or none; only lists are read.
        """
        try:
            answer = super().make_service_request(
                scopes, url, is_post, data, content_type, accept, case_insensitive_headers=True
            )
        except requests.JSONDecodeError as error:
            if is_post:
                return {"headers": {}, "body": None, "next_page_url": None}
            raise PlatformAway("nonsense") from error
        links = parse_header_links(answer["headers"].get("link", ""))
        following = [link["url"] for link in links if link.get("rel") == "next"]
        answer["next_page_url"] = following[0] if following else None
        return answer
