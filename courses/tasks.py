from __future__ import annotations

from celery import shared_task


@shared_task(ignore_result=True)
def mail_invitations(course_id: int, user_ids: list[int]) -> None:
    from courses.services.invitations import invitations_send

    invitations_send(course_id=course_id, user_ids=user_ids)


@shared_task(ignore_result=True)
def mail_password_link(email: str, site: str, language: str) -> None:
    from courses.passwords import password_link_send

    password_link_send(email=email, site=site, language=language)
