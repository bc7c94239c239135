"""Which files the engines of one data folder use, and who owns them.

::

    <data_dir>/
      postgres/18/     the database cluster
      valkey/          the append-only file
      log/             keeper.log, postgres.log, valkey.log
      run/             keeper.lock, postgres.lock, valkey.lock, and the sockets
"""

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from headless_presale.engines.binaries import POSTGRES_MAJOR
from headless_presale.engines.errors import EngineStartFailed

POSTGRES_PORT = 5432
DATABASE_NAME = "presale"
# sockaddr_un.sun_path without its closing NUL.
SOCKET_PATH_LIMIT_BYTES = 107 if sys.platform == "linux" else 103
# PostgreSQL reads its socket folder as a list of names and knows these as syntax.
_LIST_SYNTAX = frozenset(',"\\')


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of one data folder, all absolute and free of symbolic links.

    Attributes:
        data_dir: The folder the caller named.
        sockets: Folder of all sockets: ``run``, or a short private one in the temporary folder
            where a socket below ``run`` would exceed what the system accepts.
    """

    data_dir: Path
    sockets: Path

    @classmethod
    def of(cls, data_dir: Path) -> "Layout":
        """Lay out a data folder without touching the disk.

        Raises:
            EngineStartFailed: No folder short enough for a socket can be found.
        """
        data_dir = Path(os.path.abspath(data_dir.expanduser())).resolve()
        for sockets in (data_dir / "run", *_short_folders(data_dir)):
            layout = cls(data_dir=data_dir, sockets=sockets)
            longest = layout.postgres_socket_file
            if len(os.fsencode(longest)) <= SOCKET_PATH_LIMIT_BYTES and not (
                _LIST_SYNTAX & set(str(sockets))
            ):
                return layout
        raise EngineStartFailed(
            f"No folder is short enough for the sockets of {data_dir}; "
            "set PRESALE_DATA_DIR to a shorter path."
        )

    @property
    def postgres(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def cluster(self) -> Path:
        return self.postgres / str(POSTGRES_MAJOR)

    @property
    def valkey(self) -> Path:
        return self.data_dir / "valkey"

    @property
    def logs(self) -> Path:
        return self.data_dir / "log"

    @property
    def run(self) -> Path:
        return self.data_dir / "run"

    @property
    def keeper_lock(self) -> Path:
        return self.run / "keeper.lock"

    @property
    def keeper_socket(self) -> Path:
        return self.sockets / "keeper.sock"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def postgres_sockets(self) -> Path:
        return self.sockets / "pg"

    @property
    def postgres_socket_file(self) -> Path:
        return self.postgres_sockets / f".s.PGSQL.{POSTGRES_PORT}"

    @property
    def database_url(self) -> str:
        return self.url_of_database(DATABASE_NAME)

    def url_of_database(self, name: str) -> str:
        host = quote(os.fsencode(self.postgres_sockets), safe="/")
        return f"postgresql://postgres@/{name}?host={host}&port={POSTGRES_PORT}"

    @property
    def redis_url(self) -> str:
        return f"unix://{quote(os.fsencode(self.valkey_socket), safe='/')}?db=0"

    def log_of(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def lock_of(self, name: str) -> Path:
        """Lock that every process of an engine holds for as long as it lives."""
        return self.run / f"{name}.lock"

    def create(self) -> None:
        """Create the data folder, its ``run`` and ``log``, and the folder of the sockets.

        Raises:
            EngineStartFailed: A folder cannot be created or belongs to somebody else.
        """
        try:
            # Whatever the umask: PostgreSQL may have to run as another user (see `privileges`).
            _make_folder(self.data_dir, 0o755)
            owner = self.data_dir.stat()
            for folder in (self.run, self.logs, self.sockets):
                make_folder(folder, mode=passage_mode(), uid=owner.st_uid, gid=owner.st_gid)
        except OSError as error:
            raise EngineStartFailed(
                f"Cannot use {self.data_dir} as data folder ({error.strerror}); "
                "set PRESALE_DATA_DIR to a folder of yours."
            ) from error

    def hand_over(self, path: Path) -> None:
        """Give a file made by root to the data folder's owner, who may start alone next time."""
        if os.geteuid() == 0:
            owner = self.data_dir.stat()
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def passage_mode() -> int:
    """Mode of a folder that only its owner lists; started by root, others may pass through it."""
    return 0o711 if os.geteuid() == 0 else 0o700


def make_folder(path: Path, *, mode: int, uid: int, gid: int) -> None:
    """Create a folder for a user, or check that an existing one is theirs or ours.

    Raises:
        EngineStartFailed: The path is no folder, or belongs to somebody else.
    """
    if _make_folder(path, mode):
        if os.geteuid() == 0:
            os.chown(path, uid, gid, follow_symlinks=False)
        return
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise EngineStartFailed(f"{path} is not a folder; remove it or set PRESALE_DATA_DIR.")
    if found.st_uid not in (uid, os.geteuid()):
        raise EngineStartFailed(
            f"{path} belongs to user {found.st_uid} and is not used; "
            "remove it or set PRESALE_DATA_DIR to a folder of yours."
        )
    if stat.S_IMODE(found.st_mode) != mode:
        path.chmod(mode)


def remove_folder_if_empty(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.rmdir()


def _make_folder(path: Path, mode: int) -> bool:
    if path.is_dir() and not path.is_symlink():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return False
    path.chmod(mode)
    return True


def _short_folders(data_dir: Path) -> list[Path]:
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    bases = dict.fromkeys((tempfile.gettempdir(), "/tmp"))
    return [Path(base).resolve() / f"presale-{digest}" for base in bases]
