from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from grading.services.backups import BackupError, backup_write
from grading.services.operations import BACKUP, happened


class Command(BaseCommand):
    help = "Writes every row and every file of the site to one archive, while the site may go on working."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the archive to write, which must not be there yet")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            manifest = backup_write(to=options["file"])
        except (BackupError, OSError) as error:
            raise CommandError(f"No backup was written: {error}") from error
        happened(BACKUP, detail=str(options["file"]))
        rows, files = sum(manifest.rows.values()), len(manifest.hashes) - 1
        self.stdout.write(f"{rows} rows and {files} files are in {options['file']}.")
        for name in manifest.missing:
            self.stderr.write(f"A row names the upload {name}, which was not on the disk.")
        self.stdout.write("The secret key is not in it: keep a copy of SECRET_KEY (or var/secret_key) somewhere else.")
