"""Codes as an authenticator app makes them (RFC 6238), written without the site's own code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code(secret: str = SECRET, *, steps: int = 0) -> str:
    """The code of now, or of so many half minutes later."""
    counter = int(time.time()) // 30 + steps
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", counter), hashlib.sha1).digest()
    start = mac[-1] & 0x0F
    return f"{(int.from_bytes(mac[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def wrong_code(secret: str = SECRET) -> str:
    """One that fits in none of the half minutes around now."""
    near = {code(secret, steps=steps) for steps in range(-3, 4)}
    return next(str(number) for number in range(100_000, 100_020) if str(number) not in near)
