"""Files go with their rows, also where a row goes with its course, assignment or person."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from courses.models import Submission, UnmatchedFile


@receiver(post_delete, sender=Submission)
@receiver(post_delete, sender=UnmatchedFile)
def delete_original(sender: Any, instance: Submission | UnmatchedFile, **kwargs: Any) -> None:
    """Not before the row is really gone: a file without a row is litter, a row without its file is a loss."""
    if instance.original:
        storage, name = instance.original.storage, str(instance.original.name)
        transaction.on_commit(lambda: storage.delete(name))
