"""Valkey as an embedded engine."""

import os
import signal
import socket
from pathlib import Path

from headless_presale.engines.layout import Layout, make_folder
from headless_presale.engines.privileges import Identity, owner_of, with_access

_PING_SECONDS = 0.5


class Valkey:
    """One server in ``<data_dir>/valkey``, reached through one socket.

    Durable, it appends every write to a file that is synchronised once a second: after a power
    cut up to a second of writes may be missing, after a killed process none.
    """

    name = "valkey"

    def __init__(self, layout: Layout, executable: Path, *, durable: bool) -> None:
        self._layout = layout
        self._durable = durable
        self.executable = executable
        self.folder = layout.valkey
        self.stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGKILL)
        self.identity = Identity(uid=os.geteuid(), gid=os.getegid())

    def prepare(self, lock: int) -> None:
        """Make the folder; root serves a data folder of somebody else as that user."""
        layout = self._layout
        owner = owner_of(layout.data_dir)
        if os.geteuid() == 0:
            self.identity = with_access(
                owner,
                [self.executable, layout.data_dir, layout.sockets],
                engine="Valkey",
                url_variable="REDIS_URL",
            )
        make_folder(self.folder, mode=0o700, uid=self.identity.uid, gid=self.identity.gid)
        layout.valkey_socket.unlink(missing_ok=True)

    def command(self) -> list[str]:
        return [
            str(self.executable),
            *("--port", "0"),
            *("--unixsocket", str(self._layout.valkey_socket)),
            *("--unixsocketperm", "700"),
            *("--dir", str(self.folder)),
            *("--save", ""),
            *("--appendonly", "yes" if self._durable else "no"),
            *("--appendfsync", "everysec"),
            *("--logfile", ""),
        ]

    def is_ready(self, pid: int) -> bool:
        """Whether the server answers; it does not while it loads its file."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_PING_SECONDS)
            try:
                connection.connect(str(self._layout.valkey_socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
            except OSError:
                return False
