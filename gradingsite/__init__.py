"""The site: settings, the Celery application, the health page's facts and the supervisor behind `make run`."""

from gradingsite.celery import app as celery_app

__all__ = ["celery_app"]
