from __future__ import annotations

from celery import shared_task


@shared_task(ignore_result=True)
def mail_account_change(event_id: int, language: str, to: str = "") -> None:
    from gradingsite.signin.mails import account_change_send

    account_change_send(event_id=event_id, language=language, to=to)


@shared_task(ignore_result=True, expires=3600)
def forget_old_lines() -> None:
    from gradingsite.signin.events import forget_old

    forget_old()
