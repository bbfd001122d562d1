"""A small OpenID Connect provider in a thread: discovery, keys, authorisation, token, userinfo, as the standard has it.

It checks what a provider has to check (client, secret, redirect address, PKCE, a code taken once) and answers 400 where
something is wrong. `twists` make it misbehave in one way.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "marginalia", "the-secret-of-the-client"


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Provider:
    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)  # on top of the claims
    twists: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)  # the paths, in order
    key: rsa.RSAPrivateKey = field(default_factory=new_key)
    grants: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    handed_out: list[str] = field(default_factory=list)  # codes and tokens: what must never be logged

    def is_about(self, email: str, *, sub: str = "s-1", verified: Any = True, **more: Any) -> None:
        self.claims = {"sub": sub, "email": email, "email_verified": verified, **more}

    def discovery(self) -> dict[str, Any]:
        issuer = "http://other.example" if "other_issuer" in self.twists else self.issuer
        found = {
            "issuer": issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }
        if "half_a_discovery" in self.twists:
            del found["token_endpoint"]
        return found

    def jwks(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": "k1", "alg": "RS256", "use": "sig"}]}

    def authorize(self, asked: dict[str, str]) -> str:
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.grants[code] = asked
        self.handed_out.append(code)
        answer = {"error": "access_denied"} if "denied" in self.twists else {"code": code}
        return f"{asked['redirect_uri']}?{urlencode({**answer, 'state': asked['state']})}"

    def token(self, asked: dict[str, str]) -> dict[str, Any]:
        assert (asked["client_id"], asked["client_secret"]) == (CLIENT, SECRET)
        assert asked["grant_type"] == "authorization_code"
        grant = self.grants.pop(asked["code"])
        assert asked["redirect_uri"] == grant["redirect_uri"]
        challenge = base64.urlsafe_b64encode(hashlib.sha256(asked["code_verifier"].encode()).digest())
        assert challenge.decode().rstrip("=") == grant["code_challenge"]
        access = secrets.token_urlsafe(16)
        self.tokens.add(access)
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": self.id_token()}
        self.handed_out += [access, answer["id_token"]]
        if "no_id_token" in self.twists:
            del answer["id_token"]
        return answer

    def id_token(self) -> str:
        now = int(time.time())
        body = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60, **self.claims}
        if "other_audience" in self.twists:
            body["aud"] = "somebody-else"
        if "too_old" in self.twists:
            body["exp"] = now - 600
        key: Any = new_key() if "other_key" in self.twists else self.key
        if "unsigned" in self.twists:
            return jwt.encode(body, None, algorithm="none", headers={"kid": "k1"})
        if "shared_secret" in self.twists:
            return jwt.encode(body, SECRET * 2, algorithm="HS256", headers={"kid": "k1"})
        return jwt.encode(body, key, algorithm="RS256", headers={"kid": "k1"})


class Handler(BaseHTTPRequestHandler):
    provider: Provider

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:  # noqa: PLR0911 (an address each)
        path, query = urlsplit(self.path).path, _flat(urlsplit(self.path).query)
        self.provider.asked.append(path)
        if "down" in self.provider.twists:
            return self.answer(503, {})
        if path == "/userinfo" and "leads_elsewhere" in self.provider.twists:
            return self.redirect("/elsewhere")
        if path == "/.well-known/openid-configuration":
            return self.answer(200, self.provider.discovery())
        if path == "/jwks":
            return self.answer(200, self.provider.jwks())
        if path == "/authorize":
            return self.checked(lambda: self.redirect(self.provider.authorize(query)))
        if (
            path == "/userinfo"
            and self.headers.get("Authorization", "").removeprefix("Bearer ") in self.provider.tokens
        ):
            twisted = ["not", "an", "object"] if "odd_userinfo" in self.provider.twists else None
            return self.answer(200, twisted or {**self.provider.claims, **self.provider.userinfo})
        return self.answer(404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.provider.asked.append(self.path)
        self.checked(lambda: self.answer(200, self.provider.token(_flat(body))))

    def checked(self, act: Any) -> None:
        try:
            act()
        except (AssertionError, KeyError) as error:
            self.answer(400, {"error": "invalid_request", "error_description": repr(error)})

    def redirect(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.end_headers()

    def answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


@contextlib.contextmanager
def running_provider() -> Iterator[Provider]:
    provider = Provider()
    handler = type("Bound", (Handler,), {"provider": provider})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        provider.issuer = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
