from __future__ import annotations

from django.apps import AppConfig


class LtiConfig(AppConfig):
    name = "gradingsite.lti"
    label = "lti"

    def ready(self) -> None:
        from gradingsite.lti import receivers  # noqa: F401 (importing it connects them)
