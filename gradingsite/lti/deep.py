"""Deep linking: the assignment that a teacher chose, as the signed message that the platform waits for."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pylti1p3.deep_link import DeepLink
from pylti1p3.deep_link_resource import DeepLinkResource
from pylti1p3.lineitem import LineItem

from courses.models import Assignment
from gradingsite.lti.claims import Claims
from gradingsite.lti.models import Platform
from gradingsite.lti.registry import registration


class WindowResource(DeepLinkResource):
    """A link that the platform opens in a window of its own: in a frame this site shows nothing."""

    def to_dict(self) -> dict[str, object]:
        return {**super().to_dict(), "window": {"targetName": "_blank"}}


def deep_message(*, platform: Platform, claims: Claims, assignment: Assignment, launch_url: str) -> str:
    column = LineItem().set_score_maximum(float(assignment.max_points)).set_label(assignment.title)
    resource = WindowResource().set_url(launch_url).set_title(assignment.title).set_lineitem(column)
    resource.set_custom_params({"assignment": str(assignment.pk)})
    settings: Any = {"deep_link_return_url": claims.return_url}
    if claims.return_data:
        settings["data"] = claims.return_data
    return DeepLink(registration(platform, signing=True), claims.deployment, settings).get_response_jwt([resource])


def origin_of(address: str) -> str:
    """For the page's policy: `may_be_asked` has found the address harmless before."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
