"""How the tests are shared out between processes: a file stays together, and so does all that uses Chromium."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

CHROMIUM = "chromium"


def shared_with(path: str) -> str:
    """The group that a file's tests run in. All tests that use Chromium share one, and one running site."""
    in_chromium = path.startswith("tests/browser/") or path.endswith("/test_in_browser.py")
    return CHROMIUM if in_chromium else path


class FilesAndChromium(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return shared_with(nodeid.partition("::")[0])
