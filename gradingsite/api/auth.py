from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.security import HttpBearer

from gradingsite.api.errors import Problem
from gradingsite.signin import limits
from gradingsite.signin.models import ApiToken, TokenScope
from gradingsite.signin.tokens import lacks_second_factor, token_known

READS = frozenset({"GET", "HEAD"})


class TokenAuth(HttpBearer):
    """The token alone says who asks. A session's cookie counts for nothing, so no other site can act through one."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        if settings.SECURE_SSL_REDIRECT and not request.is_secure():
            words = _("Ask over HTTPS. This token was sent in the clear: withdraw it and make another.")
            raise Problem(403, "https_only", words)
        row = token_known(token)
        if row is None:
            return None
        _require_turn(row)
        if lacks_second_factor(row.user):
            words = _("At this school everybody who marks needs a second factor. Set it up on the site first.")
            raise Problem(403, "second_factor_missing", words)
        if request.method not in READS and row.scope != TokenScope.WRITE:
            raise Problem(403, "token_reads_only", _("This token may only read."))
        request.user = row.user
        return row


def _require_turn(row: ApiToken) -> None:
    if not limits.take("api_token", str(row.pk)):
        words = _("This token asked as often as it may within an hour. Try again later.")
        raise Problem(429, "too_many_requests", words, Retry_After="600")
