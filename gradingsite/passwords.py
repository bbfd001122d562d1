from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

SHORTEST = 4  # letters; shorter ones stand in many good passwords by chance


class SiteWordsValidator:
    """No password is made of what everybody at this site would try first: its name, its host, the school's words."""

    def validate(self, password: str, user: Any = None) -> None:
        lower = password.lower()
        if any(word in lower for word in site_words()):
            raise ValidationError(_("The password holds a word that is easily guessed at this site."), code="site_word")

    def get_help_text(self) -> str:
        return _("Your password can’t hold the name of this site or of your school.")


def site_words() -> set[str]:
    host = urlsplit(settings.SITE_URL).hostname or ""
    words = {*settings.PASSWORD_WORDS, *host.split(".")}
    return {word.lower() for word in words if len(word) >= SHORTEST}
