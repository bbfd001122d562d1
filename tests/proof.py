"""A browser of somebody who has only just shown who they are, as sensitive pages ask for."""

from __future__ import annotations

import time

from django.contrib.auth.models import User
from django.test import Client


def log_in_now(client: Client, user: User) -> Client:
    client.force_login(user, backend="gradingsite.accounts.EmailBackend")
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


def long_ago(client: Client) -> None:
    """What was shown before is an hour old from now on."""
    session = client.session
    records = session.get("account_authentication_methods", [])
    session["account_authentication_methods"] = [{**row, "at": row["at"] - 3600} for row in records]
    session.save()
