"""What the health page says of learning platforms: points that did not go out, and services that may not be asked."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from grading.health_checks import Trouble
from gradingsite.lti.models import Platform, ScoreState


def platform_troubles() -> Iterator[Trouble]:
    failed = Count("contexts__links__scores", filter=Q(contexts__links__scores__state=ScoreState.FAILED))
    for platform in Platform.objects.filter(enabled=True).annotate(failed=failed):
        if platform.failed:
            words = ngettext(
                "%(number)s score could not be sent to “%(platform)s”.",
                "%(number)s scores could not be sent to “%(platform)s”.",
                platform.failed,
            )
            yield Trouble(
                "platform_scores",
                words % {"number": platform.failed, "platform": platform.name},
                _("The assignment's page “Sent to the platform” says why; mend that and send again there."),
            )
        if platform.refused_host:
            yield Trouble(
                "platform_host",
                _("“%(platform)s” names services at %(host)s, which is not among its hosts.")
                % {"platform": platform.name, "host": platform.refused_host},
                _("If it is right, enter it on the platform's page (People, Learning platforms)."),
            )
