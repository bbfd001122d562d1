"""Accounts as courses need them: found by e-mail address whatever its case, made where there is none, never changed."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q

from courses.errors import InvalidEmail
from courses.extraction import clean_name

# Django's User.username takes 150 characters, and the address is the user name.
LONGEST_EMAIL = 150
LONGEST_NAME = 150


def email_normal(email: str) -> str:
    """
    Raises:
        InvalidEmail
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise InvalidEmail(email=email) from error
    if len(email) > LONGEST_EMAIL:
        raise InvalidEmail(email=email)
    return email


def name_parts(name: str) -> tuple[str, str]:
    """First and last name of “Ada Lovelace” or “Lovelace, Ada”."""
    last, comma, first = clean_name(name).partition(",")
    if not comma:
        first, _, last = name.strip().rpartition(" ")
    return " ".join(first.split())[:LONGEST_NAME], " ".join(last.split())[:LONGEST_NAME]


def account_find(email: str) -> User | None:
    """The account with this address, in any case; the one that logs in with it before one that merely has it."""
    found = User.objects.filter(Q(username__iexact=email) | Q(email__iexact=email)).order_by("pk")
    return min(found, key=lambda user: user.username.lower() != email, default=None)


def account_for(*, email: str, name: str = "") -> tuple[User, bool]:
    """The account with this address and whether it is new. An account that exists keeps its name, password and rights.

    A new one has no usable password: its owner sets one through the link of an invitation.

    Raises:
        InvalidEmail
    """
    email = email_normal(email)
    existing = account_find(email)
    if existing is not None:
        return existing, False
    first, last = name_parts(name)
    user = User(username=email, email=email, first_name=first, last_name=last, password=make_password(None))
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        # Somebody made the same account a moment ago.
        return User.objects.get(username=email), False
    return user, True
