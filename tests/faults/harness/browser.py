"""A person at the site's pages: one session with its cookies and CSRF tokens, over real HTTP."""

from __future__ import annotations

import time
from typing import Any

import requests

from tests.faults.harness.model import Model


class Away(Exception):
    """No answer, or one that promises nothing: what was asked for may have happened or not."""


class Browser:
    def __init__(self, base: str, email: str, password: str, model: Model) -> None:
        self.base, self.email, self.password, self.model = base, email, password, model
        self.session = requests.Session()

    def log_in(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while True:
            try:
                self.get("/accounts/login/")
                answer = self.post("/accounts/login/", {"username": self.email, "password": self.password})
                if answer.status_code == 302:
                    return
            except Away:
                pass
            if time.monotonic() > end:
                raise TimeoutError(f"{self.email} cannot log in")
            time.sleep(0.5)

    def get(self, path: str) -> requests.Response:
        return self._ask("GET", path)

    def post(self, path: str, data: dict[str, Any], files: dict[str, Any] | None = None) -> requests.Response:
        token = self.session.cookies.get("csrftoken", "")
        return self._ask("POST", path, data={**data, "csrfmiddlewaretoken": token}, files=files)

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        try:
            answer = self.session.request(method, self.base + path, timeout=30, allow_redirects=False, **more)
        except requests.RequestException as error:
            self.model.counted("no answer")
            raise Away from error
        self.model.counted(f"{answer.status_code // 100}xx")
        if answer.status_code >= 500:
            raise Away
        return answer
