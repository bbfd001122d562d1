"""A browser as far as launches need one: it follows the platform's form, and sends no cookie of the tool with it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.lti.platform import CLIENT, Simulator


def inputs(page: str) -> dict[str, str]:
    pairs = re.findall(r'<input[^>]*\bname="([^"]+)"[^>]*?\bvalue="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in pairs}


@dataclass
class Browser:
    """`cross` is what its requests from the platform's pages look like: without the tool's cookies, which are Lax."""

    tool: str
    platform: Simulator
    session: requests.Session = field(default_factory=requests.Session)

    def announce(self, **more: str) -> requests.Response:
        asked = {"iss": self.platform.issuer, "client_id": CLIENT, "login_hint": "hint-1", **more}
        asked["target_link_uri"] = f"{self.tool}/lti/launch/"
        return self.session.post(f"{self.tool}/lti/login/", data=asked, allow_redirects=False, timeout=20)

    def fetch(self) -> dict[str, str]:
        """Announced and sent to the platform: the form that it makes the browser send."""
        there = self.announce()
        assert there.status_code == 302, there.text
        page = requests.get(there.headers["Location"], timeout=20)
        assert page.status_code == 200, page.text
        return inputs(page.text)

    def deliver(self, form: dict[str, str]) -> requests.Response:
        return requests.post(f"{self.tool}/lti/launch/", data=form, allow_redirects=False, timeout=30)

    def launch(self) -> requests.Response:
        """All the way to a page of the tool."""
        return self.follow(self.deliver(self.fetch()))

    def follow(self, answer: requests.Response) -> requests.Response:
        if answer.status_code != 303:
            return answer
        return self.session.get(self.tool + answer.headers["Location"], timeout=30)

    def open(self, path: str) -> requests.Response:
        return self.session.get(self.tool + path, timeout=30)

    def send(self, path: str, **form: Any) -> requests.Response:
        """As a page of the tool itself would, with its token."""
        page = self.session.get(self.tool + path, timeout=30)
        data = {"csrfmiddlewaretoken": inputs(page.text)["csrfmiddlewaretoken"], **form}
        headers = {"Referer": self.tool + path}
        return self.session.post(self.tool + path, data=data, headers=headers, timeout=30)

    def log_in(self, username: str, password: str, next_page: str = "/") -> requests.Response:
        return self.send("/accounts/login/", username=username, password=password, next=next_page)

    @property
    def user_menu(self) -> str:
        """Who is logged in, as the pages say; empty for nobody."""
        found = re.search(r'<span class="visually-hidden">Your account:</span>\s*([^<]+)<', self.open("/").text)
        return html.unescape(found[1]).strip() if found else ""


def heading(page: requests.Response) -> str:
    found = re.search(r"<h1[^>]*>\s*(.*?)\s*</h1>", page.text, re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>|\s+", " ", found[1])).strip() if found else ""
