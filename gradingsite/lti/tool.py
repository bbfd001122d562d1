"""This site as a platform has to know it: its addresses, and the configuration in Canvas's form."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

NAMES_SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
SCOPES = ("https://purl.imsglobal.org/spec/lti-ags/scope/score", NAMES_SCOPE)


def address(request: HttpRequest, name: str) -> str:
    path = reverse(name)
    return settings.SITE_URL + path if settings.SITE_URL else request.build_absolute_uri(path)


def canvas_configuration(request: HttpRequest) -> dict[str, Any]:
    launch = address(request, "lti:launch")
    placement = {"text": "Marginalia", "enabled": True, "target_link_uri": launch}
    window = {"windowTarget": "_blank"}
    return {
        "title": "Marginalia",
        "description": "Marks short answers and essays; a teacher decides.",
        "oidc_initiation_url": address(request, "lti:login"),
        "target_link_uri": launch,
        "public_jwk_url": address(request, "lti:jwks"),
        "scopes": list(SCOPES),
        "custom_fields": {},
        "extensions": [
            {
                "platform": "canvas.instructure.com",
                "domain": urlsplit(launch).netloc,
                "privacy_level": "public",
                "settings": {
                    "placements": [
                        {
                            **placement,
                            **window,
                            "placement": "course_navigation",
                            "message_type": "LtiResourceLinkRequest",
                        },
                        {**placement, "placement": "assignment_selection", "message_type": "LtiDeepLinkingRequest"},
                        {**placement, "placement": "link_selection", "message_type": "LtiDeepLinkingRequest"},
                    ]
                },
            }
        ],
    }
