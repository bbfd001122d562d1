from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

import mlcore
from grading.exceptions import VersionUnusable
from grading.models import ModelVersion
from grading.services.versions import version_copy_in, version_promote, version_register
from mlcore.manifest import AdapterError, read_manifest

STARTER = Path(mlcore.__file__).parent / "starter"


class Command(BaseCommand):
    help = "Puts the model version that comes with the program in use, where there is no model version yet."

    def handle(self, *args: Any, **options: Any) -> None:
        if ModelVersion.objects.exists():
            self.stdout.write("There are model versions already; nothing was changed.")
            return
        try:
            name = f"starter-{read_manifest(STARTER).created[:10]}"
            directory = version_copy_in(directory=STARTER, name=name)
            version = version_register(directory=directory, name=name)
            version_promote(version=version, by=None, note="comes with the program")
        except (AdapterError, VersionUnusable) as error:
            self.stderr.write(f"No model version was registered, so nothing can be marked yet: {error}")
            return
        self.stdout.write(f"The model version {name} is in use.")
