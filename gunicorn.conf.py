"""Read by gunicorn where it starts: its own lines look like the site's, and carry no secret either."""

from __future__ import annotations

import logging.config
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gradingsite.settings")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from gunicorn.glogging import Logger


class SiteLogger(Logger):  # type: ignore[misc]
    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        from django.conf import settings

        logging.config.dictConfig(settings.LOGGING)
        self.error_log.handlers = []
        self.error_log.propagate = True


logger_class = SiteLogger
