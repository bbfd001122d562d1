from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from grading.services.backups import BackupError, backup_restore


class Command(BaseCommand):
    help = "Puts the rows and files of a backup into an empty system, after `manage.py migrate`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="an archive that `manage.py backup` wrote")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            manifest = backup_restore(source=options["file"])
        except BackupError as error:
            raise CommandError(f"Nothing was restored: {error}") from error
        rows, files = sum(manifest.rows.values()), len(manifest.hashes) - 1
        self.stdout.write(f"{rows} rows and {files} files are back, as they were at {manifest.made_at}.")
