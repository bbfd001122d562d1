from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from courses.models import Assignment, Course
from courses.querysets import STAFF_ROLES, AnyUser, in_courses_of
from gradingsite.lti.models.platforms import Platform


class PlatformPerson(models.Model):
    """A person of a platform is an account here. `confirmed`: by somebody logged in to that account."""

    platform = models.ForeignKey(Platform, models.CASCADE, related_name="people")
    sub = models.CharField(max_length=255)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="platform_people")
    confirmed = models.BooleanField(default=False)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["platform", "sub"], name="one_account_per_person_of_a_platform"),
            models.UniqueConstraint(fields=["platform", "user"], name="one_person_of_a_platform_per_account"),
        ]
        verbose_name_plural = _("links to people of learning platforms")

    def __str__(self) -> str:
        return f"{self.platform} · {self.user_id}"


class ContextQuerySet(models.QuerySet["Context"]):
    def owned_by(self, user: AnyUser) -> ContextQuerySet:
        return self.filter(in_courses_of(user, ("teacher",)), course__isnull=False)

    def visible_to(self, user: AnyUser) -> ContextQuerySet:
        return self.filter(in_courses_of(user, (*STAFF_ROLES, "student")), course__isnull=False)


class Context(models.Model):
    """A course on a platform, and the course here that a teacher linked with it."""

    platform = models.ForeignKey(Platform, models.CASCADE, related_name="contexts")
    deployment = models.CharField(max_length=255)
    key = models.CharField(max_length=255)
    title = models.CharField(max_length=255, blank=True)
    course = models.ForeignKey(Course, models.SET_NULL, null=True, related_name="platform_contexts")
    linked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    members_url = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ContextQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["platform", "deployment", "key"], name="one_context_per_deployment_and_key")
        ]

    def __str__(self) -> str:
        return self.title or self.key


class ResourceLinkQuerySet(models.QuerySet["ResourceLink"]):
    def managed_by(self, user: AnyUser) -> ResourceLinkQuerySet:
        return self.filter(in_courses_of(user, STAFF_ROLES, "assignment__course"), assignment__isnull=False)


class ResourceLink(models.Model):
    """One link inside a course of a platform, the assignment that it leads to, and the column where its points go."""

    context = models.ForeignKey(Context, models.CASCADE, related_name="links")
    key = models.CharField(max_length=255)
    title = models.CharField(max_length=255, blank=True)
    assignment = models.ForeignKey(Assignment, models.SET_NULL, null=True, related_name="platform_links")
    linked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    line_item = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ResourceLinkQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["context", "key"], name="one_link_per_context_and_key")]

    def __str__(self) -> str:
        return self.title or self.key
