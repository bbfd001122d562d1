from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.querysets import CourseQuerySet, MembershipQuerySet


class Language(models.TextChoices):
    ENGLISH = "en", _("English")
    GERMAN = "de", _("German")


class Role(models.TextChoices):
    TEACHER = "teacher", _("Teacher")
    ASSISTANT = "assistant", _("Assistant")
    STUDENT = "student", _("Student")


STAFF_ROLES = (Role.TEACHER, Role.ASSISTANT)


class Course(models.Model):
    name = models.CharField(_("name"), max_length=200)
    term = models.CharField(_("term"), max_length=60, blank=True)
    language = models.CharField(_("language"), max_length=8, choices=Language.choices, default=Language.ENGLISH)
    may_train = models.BooleanField(
        _("Released grades may be trained on"),
        default=True,
        help_text=_("Off: nothing of this course goes into a training. What was trained before stays as it is."),
    )
    ends_on = models.DateField(_("end of the course"), null=True, blank=True)
    retention_months = models.PositiveSmallIntegerField(
        _("months to keep answers"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(600)]
    )
    created_at = models.DateTimeField(auto_now_add=True)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="courses")

    objects = CourseQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return f"{self.name} ({self.term})" if self.term else self.name


class Membership(models.Model):
    course = models.ForeignKey(Course, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=12, choices=Role.choices, default=Role.STUDENT)
    research_consent = models.BooleanField(_("answers may be used for research"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["user__last_name", "user__first_name", "user__username"]
        constraints = [models.UniqueConstraint(fields=["course", "user"], name="one_membership_per_course_and_user")]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()} · {self.course}"
