"""A small learning platform in a thread: authorisation, keys, tokens, members on pages, gradebook columns, as LTI 1.3
Advantage has them.

It checks what a platform has to check (client, redirect address, the tool's signature fetched from the tool itself, a
token request taken once, scopes) and answers 400 or 401 where something is wrong. `twists` make it misbehave.
"""

from __future__ import annotations

import contextlib
import html
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, DEPLOYMENT, COURSE, LINK = "tool-7", "deployment-1", "course-42", "link-1"
CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
ROLES = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
INSTRUCTOR, LEARNER = f"{ROLES}Instructor", f"{ROLES}Learner"
ASSISTANT = "http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant"
SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
MEMBERS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


KEY, STRANGERS_KEY = new_key(), new_key()


@dataclass
class Person:
    sub: str
    email: str = ""
    name: str = ""
    roles: list[str] = field(default_factory=lambda: [LEARNER])
    status: str = "Active"

    def listed(self) -> dict[str, Any]:
        found = {"user_id": self.sub, "name": self.name, "email": self.email, "roles": self.roles}
        return {**{name: value for name, value in found.items() if value}, "status": self.status}


@dataclass
class Simulator:
    """`person` is who is logged in at the platform; `body` changes what its message says."""

    issuer: str = ""
    tool_keys: str = ""
    person: Person = field(default_factory=lambda: Person("s-1"))
    body: dict[str, Any] = field(default_factory=dict)
    twists: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    members: list[Person] = field(default_factory=list)
    page_size: int = 2
    scores: list[dict[str, Any]] = field(default_factory=list)
    assertions: set[str] = field(default_factory=set)
    tokens: dict[str, str] = field(default_factory=dict)
    pause: float = 0  # seconds before each score is answered
    answers: list[int] = field(default_factory=list)  # what the next score requests get instead of 200

    def forget(self) -> None:
        self.pause = 0
        for kept in (self.body, self.twists, self.asked, self.members, self.scores, self.tokens, self.answers):
            kept.clear()  # type: ignore[attr-defined]

    def jwks(self, own: rsa.RSAPrivateKey = KEY) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key()))
        return {"keys": [{**public, "kid": "p1", "alg": "RS256", "use": "sig"}]}

    def message(self, nonce: str, link: str = LINK) -> dict[str, Any]:
        now = int(time.time())
        who = {"sub": self.person.sub, "email": self.person.email, "name": self.person.name}
        return {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 60,
            "nonce": nonce,
            **{name: value for name, value in who.items() if value},
            f"{CLAIM}message_type": "LtiResourceLinkRequest",
            f"{CLAIM}version": "1.3.0",
            f"{CLAIM}deployment_id": DEPLOYMENT,
            f"{CLAIM}target_link_uri": "http://tool.example/lti/launch/",
            f"{CLAIM}roles": self.person.roles,
            f"{CLAIM}context": {"id": COURSE, "title": "Physics 7b"},
            f"{CLAIM}resource_link": {"id": link, "title": "Why is the sky blue?"},
            "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice": {
                "context_memberships_url": f"{self.issuer}/members",
                "service_versions": ["2.0"],
            },
            "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": {
                "scope": [SCORE],
                "lineitem": f"{self.issuer}/columns/1?type_id=3",
            },
            **self.body,
        }

    def signed(self, nonce: str) -> str:
        body = {name: value for name, value in self.message(nonce).items() if value is not None}
        if "unsigned" in self.twists:
            return jwt.encode(body, None, algorithm="none", headers={"kid": "p1"})
        if "hs256" in self.twists:
            return jwt.encode(body, json.dumps(self.jwks()) * 2, algorithm="HS256", headers={"kid": "p1"})
        key: Any = STRANGERS_KEY if "other_key" in self.twists else KEY
        return jwt.encode(body, key, algorithm="RS256", headers={"kid": "p1"})

    def authorize(self, asked: dict[str, str]) -> str:
        """The page that a browser sends on to the tool."""
        assert asked["client_id"] == CLIENT
        assert (asked["scope"], asked["response_type"], asked["response_mode"]) == ("openid", "id_token", "form_post")
        assert asked["prompt"] == "none"
        assert asked["login_hint"] == "hint-1"
        assert urlsplit(asked["redirect_uri"]).path == "/lti/launch/"
        fields = {"id_token": self.signed(asked["nonce"]), "state": asked["state"]}
        inputs = "".join(f'<input name="{name}" value="{html.escape(value)}">' for name, value in fields.items())
        action = html.escape(asked["redirect_uri"])
        return f'<form method="post" action="{action}">{inputs}</form><script>document.forms[0].submit()</script>'

    def course_page(self, tool: str, target: str) -> str:
        """A page of the platform with its link to the tool, which opens in a window, or in a frame of this page."""
        fields = {
            "iss": self.issuer,
            "client_id": CLIENT,
            "login_hint": "hint-1",
            "target_link_uri": f"{tool}/lti/launch/",
        }
        inputs = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())
        form = f'<form method="post" action="{tool}/lti/login/" target="{target}">{inputs}<button>Open</button></form>'
        return f'<!DOCTYPE html><title>Course</title>{form}<iframe name="inside"></iframe>'

    def token(self, asked: dict[str, str]) -> dict[str, Any]:
        assert asked["grant_type"] == "client_credentials"
        assert asked["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assertion = asked["client_assertion"]
        kid = jwt.get_unverified_header(assertion)["kid"]
        keys = requests.get(self.tool_keys, timeout=5).json()["keys"]
        key = jwt.PyJWK(next(key for key in keys if key["kid"] == kid)).key
        claims = jwt.decode(assertion, key, algorithms=["RS256"], audience=f"{self.issuer}/token", issuer=CLIENT)
        assert claims["sub"] == CLIENT
        assert claims["jti"] not in self.assertions
        self.assertions.add(claims["jti"])
        access = secrets.token_urlsafe(16)
        self.tokens[access] = asked["scope"]
        return {"access_token": access, "token_type": "Bearer", "expires_in": 3600, "scope": asked["scope"]}

    def members_page(self, number: int) -> tuple[dict[str, Any], str]:
        """A page, and the header that names the next one in capital letters, as some platforms do."""
        start = number * self.page_size
        found = [person.listed() for person in self.members[start : start + self.page_size]]
        more = start + self.page_size < len(self.members)
        following = number if "endless_list" in self.twists else number + 1
        host = "http://localhost:1" if "next_elsewhere" in self.twists else self.issuer
        link = f'<{host}/members?Page=Nr{following}>; rel="next"' if more or "endless_list" in self.twists else ""
        return {"id": f"{self.issuer}/members", "context": {"id": COURSE}, "members": found}, link


class Handler(BaseHTTPRequestHandler):
    simulator: Simulator

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, flat(urlsplit(self.path).query)
        self.simulator.asked.append(path)
        if self.troubled(path):
            return None
        if path == "/members" and self.may(MEMBERS):
            page, link = self.simulator.members_page(int(query.get("Page", "Nr0").removeprefix("Nr")))
            return self.json(200, page, {"Link": link} if link else {})
        pages: dict[str, Any] = {
            "/auth": lambda: self.html(self.simulator.authorize(query)),
            "/course": lambda: self.html(self.simulator.course_page(query["tool"], query["target"])),
            "/jwks": lambda: self.json(200, self.simulator.jwks()),
            # Another platform's, under the same name of the key.
            "/strangers-jwks": lambda: self.json(200, self.simulator.jwks(STRANGERS_KEY)),
        }
        return self.checked(pages.get(path, lambda: self.json(401, {})))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        path = urlsplit(self.path).path
        self.simulator.asked.append(path)
        if self.troubled(path):
            return None
        if path == "/token":
            return self.checked(lambda: self.json(200, self.simulator.token(flat(body))))
        if path == "/columns/1/scores" and urlsplit(self.path).query == "type_id=3" and self.may(SCORE):
            return self.score(json.loads(body))
        return self.json(401, {})

    def score(self, body: dict[str, Any]) -> None:
        status = self.simulator.answers.pop(0) if self.simulator.answers else 200
        if self.headers["Content-Type"] != "application/vnd.ims.lis.v1.score+json":
            status = 415
        time.sleep(self.simulator.pause)
        if status == 200:
            self.simulator.scores.append(body)
        self.answer(status, b"", "text/plain")

    def troubled(self, path: str) -> bool:
        twists = self.simulator.twists
        if f"500 {path}" in twists:
            self.json(500, {})
        elif f"redirect {path}" in twists:
            self.answer(302, b"", "text/plain", {"Location": f"{self.simulator.issuer}/secret"})
        elif f"nonsense {path}" in twists:
            self.answer(200, b"<html>", "text/html")
        elif f"slow {path}" in twists:
            time.sleep(3)
            self.json(200, {})
        elif f"endless {path}" in twists:
            self.drip()
        else:
            return False
        return True

    def drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b" " * 65536)

    def may(self, scope: str) -> bool:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return scope in self.simulator.tokens.get(token, "").split()

    def checked(self, act: Any) -> None:
        try:
            act()
        except (AssertionError, KeyError, StopIteration, jwt.PyJWTError) as error:
            self.json(400, {"error": "invalid_request", "error_description": repr(error)})

    def html(self, page: str) -> None:
        self.answer(200, page.encode(), "text/html")

    def json(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self.answer(status, json.dumps(body).encode(), "application/json", headers)

    def answer(self, status: int, data: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(data)


def flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


@contextlib.contextmanager
def running_simulator() -> Iterator[Simulator]:
    simulator = Simulator()
    handler = type("Bound", (Handler,), {"simulator": simulator})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        simulator.issuer = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield simulator
        finally:
            server.shutdown()
            thread.join()
