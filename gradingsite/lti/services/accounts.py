"""Who somebody is that comes from a platform: an account of this site, or a refusal in words.

A platform is not this site's own sign-on: whoever runs one, or may write an address into a profile there, could claim
anybody's. So an address alone opens an account only where nobody has ever used it and nothing hangs on it that others
trust; every other account is linked by somebody who logs in to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from courses.errors import InvalidEmail
from courses.models import Role
from courses.querysets import is_admin
from courses.services.people import account_find, account_for, email_normal
from gradingsite.lti.errors import LinkedElsewhere, NoAccount
from gradingsite.lti.models import Context, Platform, PlatformPerson, StaffCap
from gradingsite.lti.services.scores import scores_wake
from gradingsite.signin.required import is_staff


@dataclass(frozen=True)
class Person:
    """What a platform says of somebody, by a launch or in its list of members."""

    sub: str
    email: str = ""
    name: str = ""


def person_linked(platform: Platform, sub: str) -> PlatformPerson | None:
    return PlatformPerson.objects.filter(platform=platform, sub=sub).select_related("user").first()


def link_holds(row: PlatformPerson) -> bool:
    """Whether a link that nobody confirmed may open what the account has become since: not one that others made
    staff, for then the address alone would have been the key to their rights."""
    user = row.user
    if row.confirmed:
        return True
    if is_admin(user) or Authenticator.objects.filter(user=user).exists():
        return False
    staffed = user.memberships.exclude(role=Role.STUDENT)
    if not staffed.exists():
        return True
    own = Context.objects.filter(platform=row.platform, course__isnull=False).values("course")
    return row.platform.staff_cap != StaffCap.NONE and not staffed.exclude(course__in=own).exists()


def may_bind_silently(user: User) -> bool:
    """Nobody has ever used this account, and it has no rights over others."""
    return (
        user.is_active
        and not user.has_usable_password()
        and user.last_login is None
        and not is_staff(user)
        and not Authenticator.objects.filter(user=user).exists()
        and not SocialAccount.objects.filter(user=user).exists()
        and not PlatformPerson.objects.filter(user=user).exists()
    )


def address_of(person: Person) -> str | None:
    """Its address in this site's form; None where there is none that can be one."""
    if not person.email.partition("@")[0].isascii():
        return None  # “ſ” or the sign for kelvin would become an s or a k, and somebody else's address
    try:
        return email_normal(person.email)
    except InvalidEmail:
        return None


def person_bind(*, platform: Platform, person: Person) -> PlatformPerson | None:
    """The link to the account of this person's address, made where that is safe; None where somebody has to log in.

    Raises:
        NoAccount: there is none, and this platform makes none.
    """
    email = address_of(person)
    if email is None:
        return None
    user = account_find(email)
    if user is None:
        if not platform.makes_accounts:
            raise NoAccount(email=email)
        user, made = account_for(email=email, name=person.name)
        if not made:
            return None
    elif not may_bind_silently(user):
        return None
    return _link(platform, person.sub, user, confirmed=False)


def person_confirm(*, platform: Platform, sub: str, user: User) -> PlatformPerson:
    """Somebody logged in to `user` says that they are this person of the platform.

    Raises:
        LinkedElsewhere
    """
    return _link(platform, sub, user, confirmed=True)


def _link(platform: Platform, sub: str, user: User, *, confirmed: bool) -> PlatformPerson:
    row = person_linked(platform, sub)
    if row is None:
        try:
            with transaction.atomic():
                row = PlatformPerson.objects.create(platform=platform, sub=sub, user=user, confirmed=confirmed)
        except IntegrityError:  # the account has another person of this platform, or two tabs came at once
            row = person_linked(platform, sub)
    if row is None or row.user_id != user.pk:
        raise LinkedElsewhere(email=user.email or user.get_username(), platform=platform.name)
    if confirmed and not row.confirmed:
        PlatformPerson.objects.filter(pk=row.pk).update(confirmed=True)
        row.confirmed = True
    scores_wake(platform=platform, user=user)
    return row


def person_unlink(*, row: PlatformPerson) -> None:
    row.delete()
