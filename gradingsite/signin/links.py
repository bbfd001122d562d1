from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.utils.http import base36_to_int


class LinkTokens(PasswordResetTokenGenerator):
    """Links to set a password. For an account that has none yet it is an invitation and lasts for days; for one that
    has, it opens what is there already, and lasts an hour."""

    def check_token(self, user: Any, token: str | None) -> bool:
        if not token or not super().check_token(user, token):
            return False
        made = base36_to_int(token.partition("-")[0])
        age = self._num_seconds(self._now()) - made
        return not user.has_usable_password() or age <= settings.RESET_LINK_SECONDS
