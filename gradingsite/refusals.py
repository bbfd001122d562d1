"""What was refused, as lines that a program can count: an event, who (a number), which page, and the request's id.

Failed logins and codes are told where they are recorded (gradingsite.signin.events), under the same logger.
"""

from __future__ import annotations

import logging

log = logging.getLogger("gradingsite.security")
EVENTS = {401: "no_proof", 403: "forbidden", 404: "not_theirs", 429: "too_often"}


def tell(status: int, view: str | None, user: int | None) -> None:
    """A 404 counts where there is such a page and somebody is logged in: a row that is not there, or not theirs."""
    event = EVENTS.get(status)
    if event is None or view is None or (status == 404 and user is None):
        return
    security_event(event, user=user, view=view, status=status)


def security_event(event: str, **about: object) -> None:
    log.warning("refused: %s", event, extra={"event": event, **about})
