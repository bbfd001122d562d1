"""Only a worker whose code belongs to the tables takes work from them."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, transaction

from gradingsite import codes

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class OtherCode(Exception):
    """The tables were made by other code than this process runs: an upgrade is half done."""


def claims(claim: Callable[P, T | None]) -> Callable[P, T | None]:
    """Of a function that claims work and gives None where there is none: it also gives None during an upgrade.

    The tables are looked at *after* the claim and in its transaction. A row that newer code wrote was written after
    its migrations, so whoever has claimed such a row sees them; the claim is then taken back with the transaction.
    """

    @functools.wraps(claim)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            with transaction.atomic():
                found = claim(*args, **kwargs)
                if found is not None and not codes.fits():
                    raise OtherCode
                return found
        except OtherCode:
            log.warning("work waits, and is left for a worker of the code that the database was migrated for")
            return None
        except DatabaseError:
            if codes.fits():
                raise
            log.warning("the database is not migrated for the code of this worker, so it takes no work")
            return None

    return guarded
