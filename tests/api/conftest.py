from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from gradingsite.signin.tokens import token_make


class Program:
    """A person's program, with its token and no cookies."""

    def __init__(self, token: str) -> None:
        self.headers = {"authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, data: Any = None, **headers: str) -> Any:
        named = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        body = {} if data is None else {"data": json.dumps(data), "content_type": "application/json"}
        return getattr(Client(), method)(f"/api{path}", headers=named, **body)

    def get(self, path: str) -> Any:
        return self.ask("get", path)

    def post(self, path: str, data: Any = None, **headers: str) -> Any:
        return self.ask("post", path, {} if data is None else data, **headers)

    def file(self, path: str, data: dict[str, Any], **headers: str) -> Any:
        named = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return Client().post(f"/api{path}", data, headers=named)


@pytest.fixture
def program() -> Callable[..., Program]:
    def made(user: User, scope: str = "write") -> Program:
        return Program(token_make(user=user, name="script", scope=scope, expires_at=None, request=None)[1])

    return made
