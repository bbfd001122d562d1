"""Why a launch is not let in, in words for the person at the page: what happened, and what to do."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from courses.errors import UserError


class LaunchRefused(UserError):
    """Nothing of the launch counts. The person gets a page with these words."""

    code = "refused"
    words = _("The learning platform's message could not be read. Please tell the platform's admin.")


class UnknownPlatform(LaunchRefused):
    code = "unknown_platform"
    words = _(
        "This learning platform is not registered here, or not in use. An admin of this site can register it with its "
        "issuer and client ID."
    )


class StateTooOld(LaunchRefused):
    code = "state_too_old"
    words = _("This took too long, or did not begin here. Go back to your course and open the link again.")


class OtherBrowser(LaunchRefused):
    code = "other_browser"
    words = _(
        "This launch was begun in another browser, or cookies are blocked. Go back to your course and open the link "
        "again; the platform has to open it in a new window."
    )


class Replayed(LaunchRefused):
    code = "replayed"
    words = _("This launch was used already. Go back to your course and open the link again.")


class TokenExpired(LaunchRefused):
    code = "token_expired"
    words = _(
        "The platform's message is too old. Go back to your course and open the link again. If it happens each time, "
        "the platform's clock and the one of this site differ."
    )


class TokenForged(LaunchRefused):
    code = "token_forged"
    words = _(
        "The platform's message is not signed as it has to be, or meant for somebody else. Nothing was done with it. "
        "Please tell an admin of this site."
    )


class UnknownDeployment(LaunchRefused):
    code = "unknown_deployment"
    words = _(
        "The platform “%(platform)s” sent a deployment ID that an admin of this site has not entered: %(deployment)s."
    )


class PlatformSilent(LaunchRefused):
    code = "platform_silent"
    words = _("The keys of “%(platform)s” could not be fetched. Please try again in a minute.")


class UnsupportedMessage(LaunchRefused):
    code = "unsupported_message"
    words = _("The platform asked for something that is not offered here: only links to courses and assignments are.")


class NoRole(LaunchRefused):
    code = "no_role"
    words = _("On the platform you are neither student nor teacher of this course, so there is nothing for you here.")


class NotForStudents(LaunchRefused):
    code = "not_for_students"
    words = _("Only teachers of the course on the platform choose what a link leads to.")


class NotLinkedYet(LaunchRefused):
    code = "not_linked_yet"
    words = _(
        "This course is not linked with Marginalia yet. A teacher of the course opens this link once and chooses what "
        "it leads to; then it works for you, too."
    )


class StaffByHand(LaunchRefused):
    code = "staff_by_hand"
    words = _(
        "Teachers of “%(platform)s” are not made teachers here by themselves. Ask an admin or a teacher of this site "
        "to enrol you in a course, then open the link again."
    )


class TakenOut(LaunchRefused):
    code = "taken_out"
    words = _("A teacher has taken you out of this course. Only a teacher can add you again.")


class NoAddress(LaunchRefused):
    code = "no_address"
    words = _(
        "The platform gave no e-mail address, so it is not clear who you are here. Log in here once, or ask the "
        "platform's admin to share addresses with this tool."
    )


class NoAccount(LaunchRefused):
    code = "no_account"
    words = _("There is no account with your address %(email)s here. Ask your teacher to enrol you with it.")


class LinkedElsewhere(LaunchRefused):
    code = "linked_elsewhere"
    words = _(
        "The account %(email)s is linked to another person of “%(platform)s”. An admin of this site can unlink it."
    )


class RosterChanged(UserError):
    code = "roster_changed"
    words = _("The list has changed since you looked at it. This is how it is now; please look again.")


class RosterAway(UserError):
    code = "roster_away"
    words = _("“%(platform)s” did not give its list of members: %(reason)s")
