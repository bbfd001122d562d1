"""How a platform is asked: addresses that an admin allowed, no redirects, an end to waiting, answers of a sane size."""

from __future__ import annotations

import time
from typing import Any

import requests
from pylti1p3.exception import LtiException
from urllib3.exceptions import HTTPError

from gradingsite.lti.models import Platform

CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 5, 10, 20
LARGEST_ANSWER = 5 * 1024 * 1024
USER_AGENT = "Marginalia"


class PlatformAway(LtiException):
    """It did not answer, or not with anything that can be used. `status` is its answer's, where there was one."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class PlatformSession(requests.Session):
    """Requests to one platform. PyLTI1p3 takes it for all that it asks."""

    def __init__(self, platform: Platform) -> None:
        super().__init__()
        self.platform = platform
        self.trust_env = False  # no proxy or password of this machine's environment
        self.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        if not self.platform.may_be_asked(str(url)):
            raise PlatformAway("address")
        kwargs |= {"allow_redirects": False, "stream": True, "timeout": (CONNECT_SECONDS, READ_SECONDS)}
        begun = time.monotonic()
        try:
            answer = super().request(method, url, *args, **kwargs)
            _read(answer, begun)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise PlatformAway("silent") from error
        if answer.is_redirect or 300 <= answer.status_code < 400:
            raise PlatformAway("redirect", answer.status_code)
        return answer


def _read(answer: requests.Response, begun: float) -> None:
    """A slow drip or an endless answer is given up. Nothing is unpacked: none was asked for packed."""
    parts, size = [], 0
    with answer:
        while part := answer.raw.read1(65536, decode_content=False):
            size += len(part)
            if size > LARGEST_ANSWER or time.monotonic() - begun > WHOLE_SECONDS:
                raise PlatformAway("endless")
            parts.append(part)
    answer._content = b"".join(parts)  # noqa: SLF001
    answer._content_consumed = True  # noqa: SLF001
