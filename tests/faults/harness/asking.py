"""Reading the database beside the site, also while it is being restarted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

T = TypeVar("T")


def asking(question: Callable[[], T], seconds: float = 60) -> T:
    """What `question` gives, asked again while the database is away. Only for what may be done twice."""
    end = time.monotonic() + seconds
    while True:
        try:
            return question()
        except (InterfaceError, OperationalError):
            connection.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.3)
