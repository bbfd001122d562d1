"""The site's own key pair: made once, sealed in the database, published by its public half, renewed without a gap."""

from __future__ import annotations

import base64
import hashlib
import logging
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from pylti1p3.registration import Registration

from gradingsite.lti.models import PlatformEvent, ToolKey

log = logging.getLogger(__name__)
BITS = 2048


def signing_key() -> ToolKey:
    """The key that signs; the first one is made when it is first asked for."""
    return ToolKey.objects.filter(signs=True).first() or _make()


def private_pem(key: ToolKey) -> str:
    """
    Raises:
        InvalidToken: it was sealed under another SECRET_KEY.
    """
    return _box().decrypt(key.sealed_pem.encode()).decode()


def usable_key() -> tuple[ToolKey, str]:
    """The signing key and its private half. Where SECRET_KEY is another one by now, a new pair takes over; platforms
    fetch the public halves themselves, so nobody has to do anything."""
    key = signing_key()
    try:
        return key, private_pem(key)
    except InvalidToken:
        log.error("The key of the LTI tool was sealed under another SECRET_KEY: a new one is made.")
        key = key_rotate(by=None)
        return key, private_pem(key)


def key_rotate(*, by: User | None) -> ToolKey:
    """A new key signs from now on. The old one stays published: what it signed may still be under way."""
    with transaction.atomic():
        old = signing_key()
        ToolKey.objects.filter(pk=old.pk).update(signs=False)
        key = _make()
        PlatformEvent.objects.create(actor=by, action="key_rotated", before={"key": old.kid}, after={"key": key.kid})
    return key


def key_set() -> dict[str, Any]:
    """The JWKS: public halves only, the one that signs first."""
    signing_key()
    return {"keys": [Registration.get_jwk(key.public_pem) for key in ToolKey.objects.order_by("-pk")]}


def _make() -> ToolKey:
    pair = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    private = pair.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = pair.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
    kid = str(Registration.get_jwk(public)["kid"])
    try:
        with transaction.atomic():
            return ToolKey.objects.create(kid=kid, public_pem=public, sealed_pem=_box().encrypt(private).decode())
    except IntegrityError:  # two processes at the first start: the other one made it
        return ToolKey.objects.get(signs=True)


def _box() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [hashlib.sha256(b"lti tool key:" + str(secret).encode()).digest() for secret in secrets]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
