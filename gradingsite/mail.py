"""The mail server, with what it took and what it refused counted: the health page says when mail does not get out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from smtplib import SMTPException

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.db import DatabaseError, transaction

from gradingsite import tallies

log = logging.getLogger(__name__)


class CountingBackend(EmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        try:
            sent = super().send_messages(email_messages) or 0
        except (OSError, SMTPException) as error:
            # The kind of it and no more: a server's answer repeats addresses.
            tallies.count("mail_failures", kind=type(error).__name__)
            _note(sent=False, detail=type(error).__name__)
            raise
        if sent:
            tallies.count("mails", sent)
            _note(sent=True)
        return sent


def _note(*, sent: bool, detail: str = "") -> None:
    from grading.services import operations

    with suppress(DatabaseError), transaction.atomic():
        operations.happened(operations.MAIL_SENT if sent else operations.MAIL_FAILED, detail=detail)
