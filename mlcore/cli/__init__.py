"""The command line: python -m mlcore prepare | train | evaluate | robustness | membership | mark | bench.

What a person can put right (a missing file, a broken line, a setting that makes no sense) ends with one sentence on
standard error and status 2; anything else is a fault of the program and shows its traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mlcore.base import BaseModelError
from mlcore.cli.commands import UsageError
from mlcore.cli.options import build_parser
from mlcore.data import TrainingDataError
from mlcore.manifest import AdapterError
from mlcore.rows import RowError

__all__ = ["INTERRUPTED", "USER_ERROR", "build_parser", "main"]

USER_ERROR, INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status (0, or 2 after an error that the user can put right)."""
    options = build_parser().parse_args(arguments)
    try:
        options.run(options)
    except (UsageError, RowError, AdapterError, BaseModelError, TrainingDataError) as error:
        return _refuse(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        return _refuse(f"{error.filename}: {error.strerror}")
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return INTERRUPTED
    return 0


def _refuse(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return USER_ERROR
