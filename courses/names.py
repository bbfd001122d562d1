from __future__ import annotations

from django.contrib.auth.models import User


def person_name(user: User | None) -> str:
    """How a person is called on a page: the name where there is one, else the address."""
    return (user.get_full_name() or user.get_username()) if user else "–"
