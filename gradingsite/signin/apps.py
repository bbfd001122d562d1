from __future__ import annotations

from django.apps import AppConfig


class SigninConfig(AppConfig):
    name = "gradingsite.signin"
    label = "signin"

    def ready(self) -> None:
        from gradingsite.signin import receivers  # noqa: F401 (importing it connects them)

        _leave_out_of_the_site_admin()


def _leave_out_of_the_site_admin() -> None:
    """allauth shows its tables there. They hold secrets, and providers are configured by the environment alone."""
    from django.contrib import admin

    for model in list(admin.site._registry):  # noqa: SLF001
        if model.__module__.startswith("allauth."):
            admin.site.unregister(model)
