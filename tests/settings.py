"""The site's settings under test: everything under a directory that goes away, no manifest, quick password hashes."""

import atexit
import os
import shutil
import tempfile

_VAR = tempfile.mkdtemp(prefix="marginalia-tests-")
_OWNER = os.getpid()
os.environ.update(
    {
        "MARGINALIA_VAR": _VAR,
        "DEBUG": "0",
        "HTTPS": "0",
        "STATIC_MANIFEST": "0",
        "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", ""),
        "REDIS_URL": "",
        "SITE_URL": "",
        "LANGUAGE_CODE": "en",
        # No thread of a test's process writes to the database by itself.
        "METRICS_FLUSH_SECONDS": "0",
        "METRICS_TOKEN": "",
        "LOG_FORMAT": "plain",
    }
)

from gradingsite.settings import *  # noqa: E402, F403
from gradingsite.settings import BASE_DIR, DATABASES, VAR_DIR  # noqa: E402

# A file and not memory, so that threads and other processes meet the same locks as in a deployment.
if not os.environ["DATABASE_URL"]:
    DATABASES["default"]["TEST"] = {"NAME": VAR_DIR / "test.sqlite3"}
    # Nothing here has to survive a power cut, and a slow disk would make most of the tests' time.
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
(VAR_DIR / "static").mkdir()  # whitenoise looks there
# Every client of a test would list all static files before its first request; live servers find them themselves.
WHITENOISE_USE_FINDERS = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Nothing listens there: a test that needs a broker starts its own.
CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
# The prepared base model is the one thing that tests share with a run: making it takes a while.
MARGINALIA_BASE_DIR = BASE_DIR / "var" / "models" / "smollm2-135m-instruct"


@atexit.register
def _remove() -> None:
    if os.getpid() == _OWNER:
        shutil.rmtree(_VAR, ignore_errors=True)
