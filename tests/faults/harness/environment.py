"""The settings of the site under fault, as its processes are given them."""

from __future__ import annotations

import os
from pathlib import Path


def environment(directory: Path, database: str, broker: str, **more: str) -> dict[str, str]:
    """What differs from a deployment's defaults: a tiny model, no day's limit on hand-ins, one thread a process."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "gradingsite.settings",
        "MARGINALIA_VAR": str(directory),
        "MARGINALIA_BASE_DIR": str(directory / "models" / "tiny-llama"),
        "DATABASE_URL": database,
        "REDIS_URL": broker,
        "STATIC_MANIFEST": "0",
        "HAND_INS_PER_DAY": "100000",
        "OMP_NUM_THREADS": "1",
        "MARGINALIA_COMPUTE_DTYPE": "float32",
        "DEBUG": "0",
        "HTTPS": "0",
        "SITE_URL": "",
        **more,
    }
