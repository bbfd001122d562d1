"""Why a platform was not told, in words."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from gradingsite.lti.models import Score

TROUBLES = {
    "no_person": gettext_lazy(
        "The student has not come here from the platform yet. Update the members from the platform, or wait for that."
    ),
    "address": gettext_lazy("The platform's gradebook is at a host that an admin has not allowed."),
    "silent": gettext_lazy("The platform did not answer."),
    "redirect": gettext_lazy("The platform answered with a redirect, which is not followed."),
    "endless": gettext_lazy("The platform's answer had no end."),
    "nonsense": gettext_lazy("The platform's answer could not be read."),
    "refused": gettext_lazy("The platform refused it"),
}


def trouble_words(score: Score) -> str:
    if not score.trouble:
        return ""
    words = str(TROUBLES.get(score.trouble, score.trouble))
    if score.trouble == "refused" and score.status:
        return _("%(words)s (%(status)s).") % {"words": words, "status": score.status}
    return words
