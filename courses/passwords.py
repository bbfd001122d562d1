from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.models import User


class InvitedPasswordResetForm(PasswordResetForm):
    """Django's form, but also for accounts that were enrolled and never had a password.

    Django leaves them out because their password may live in another system; here there is none.
    """

    def get_users(self, email: str) -> Iterable[User]:
        return User.objects.filter(email__iexact=email, is_active=True)
