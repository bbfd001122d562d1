"""How full the disk is that holds what is written."""

from __future__ import annotations

import shutil

from django.conf import settings


def free_share() -> float:
    """From 0 to 1, of the disk of var/."""
    usage = shutil.disk_usage(settings.VAR_DIR)
    return usage.free / usage.total if usage.total else 0.0


def free_gibibytes() -> float:
    return shutil.disk_usage(settings.VAR_DIR).free / 2**30
