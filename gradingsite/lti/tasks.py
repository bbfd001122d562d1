"""What the broker's messages call. The rows are the queue; a message only wakes a worker, and beat wakes it again."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


@shared_task(ignore_result=True, expires=600)
def send_scores() -> None:
    """Send what is due, and take back what a lost worker held."""
    from gradingsite.lti.services import sending

    sending.scores_send_due()


@shared_task(ignore_result=True, expires=600)
def forget_launches() -> None:
    from gradingsite.lti.services.launches import launches_forget

    launches_forget()


def wake() -> None:
    """Once the rows are committed. With the broker away, beat makes up for it."""
    transaction.on_commit(_send, robust=True)


def _send() -> None:
    try:
        send_scores.delay()
    except OperationalError as error:
        log.warning("send_scores could not be sent, beat will make up for it: %s", type(error).__name__)
