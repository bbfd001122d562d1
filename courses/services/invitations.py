"""How a new account gets its password: a mail with a link to set one.

The link is Django's own for resetting a password, so it works once and for PASSWORD_RESET_TIMEOUT seconds (an hour for
an account that has a password: gradingsite.signin.links). Whoever
comes later asks for a new one on the login page (courses.passwords lets accounts without a password do so) or
through a teacher's “invite again”.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext, override

from courses.models import Course
from courses.tasks import mail_invitations


def invitations_queue(*, course: Course, users: Sequence[User]) -> None:
    """Have the mails sent once the accounts are really there. A broker that is away must not undo an enrolment."""
    if users:
        course_id, ids = course.pk, [user.pk for user in users]
        # A lambda and no partial: when a robust hook fails, Django logs its __qualname__.
        transaction.on_commit(lambda: mail_invitations.delay(course_id, ids), robust=True)


def invitations_send(*, course_id: int, user_ids: Sequence[int]) -> int:
    """Mail those who still have no password; the number of mails."""
    course = Course.objects.get(pk=course_id)
    users = User.objects.filter(pk__in=user_ids, is_active=True)
    messages = [_message(course, user) for user in users if not user.has_usable_password()]
    return get_connection().send_messages(messages) or 0 if messages else 0


def set_password_link(user: User) -> str:
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("password_reset_confirm", args=[uid, default_token_generator.make_token(user)])
    return settings.SITE_URL.rstrip("/") + path


def _message(course: Course, user: User) -> EmailMessage:
    with override(course.language):
        subject = gettext("You are enrolled in %(course)s") % {"course": " ".join(course.name.split())}
        context = {"course": course, "user": user, "link": set_password_link(user)}
        body = render_to_string("courses/invitation_email.txt", context)
    return EmailMessage(subject, body, to=[user.email])
