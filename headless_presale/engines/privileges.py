"""As whom an engine runs.

PostgreSQL refuses to run as root. Started by root it runs as the owner of its files or else as
``nobody``; no user is created and no folder but its own changes hands. Where that user cannot
walk to the data or to the executables - a checkout below a private ``/root`` - the engine keeps
one Linux capability that lets it look through closed folders. It is kept only where it is needed.
"""

import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from headless_presale.engines.errors import EngineStartFailed

_NOBODY_FALLBACK_ID = 65534

_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_LINUX_CAPABILITY_VERSION_3 = 0x20080522
# Search and read, tried first, and the wider one that container runtimes leave to root.
_CAP_DAC_READ_SEARCH = 2
_CAP_DAC_OVERRIDE = 1

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Identity:
    """A user an engine runs as.

    Attributes:
        uid: Numeric user id; it need not have a name.
        gid: Numeric group id.
        capability: Linux capability kept across the change of user, if any.
    """

    uid: int
    gid: int
    capability: int | None = None

    @property
    def is_another(self) -> bool:
        """Whether starting as this user means giving up being root."""
        return self.uid != os.geteuid()


def owner_of(folder: Path) -> Identity:
    """The user and group a folder belongs to."""
    found = folder.stat()
    return Identity(uid=found.st_uid, gid=found.st_gid)


def unprivileged_owner(cluster: Path, data_dir: Path) -> Identity:
    """Choose the user PostgreSQL runs as: its files' owner, the data folder's, else ``nobody``.

    Raises:
        EngineStartFailed: The cluster's files belong to a user we cannot become.
    """
    me = os.geteuid()
    if cluster.exists():
        owner = owner_of(cluster)
        if owner.uid == 0 or me not in (0, owner.uid):
            raise EngineStartFailed(
                f"{cluster} belongs to user {owner.uid}, as whom PostgreSQL cannot be started by "
                f"user {me}; give the folder to the user it should run as, "
                "or set PRESALE_DATA_DIR or DATABASE_URL."
            )
        return owner
    if me != 0:
        return Identity(uid=me, gid=os.getegid())
    owner = owner_of(data_dir)
    return owner if owner.uid != 0 else nobody()


def with_access(
    identity: Identity, needed: Iterable[Path], *, engine: str, url_variable: str
) -> Identity:
    """Return the identity with what it takes to reach all the paths, and no more than that.

    Args:
        identity: The user to run as.
        needed: Existing files to read and folders to pass through.
        engine: Name of the engine, for the message.
        url_variable: Variable that names an external server instead, for the message.

    Raises:
        EngineStartFailed: Not even with a capability; the message names the folder.
    """
    if not identity.is_another:
        return identity
    paths = [form for path in needed for form in dict.fromkeys((path, path.resolve()))]
    candidates = [identity]
    if sys.platform == "linux":
        candidates += [
            Identity(identity.uid, identity.gid, capability)
            for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE)
        ]
    obstacles = []
    for candidate in candidates:
        obstacle = _find_obstacle(candidate, paths)
        if obstacle is None:
            return candidate
        obstacles.append(obstacle)
    raise EngineStartFailed(
        f"{engine} has to run as user {identity.uid}, who cannot enter {obstacles[0]}; set "
        f"PRESALE_DATA_DIR to a folder it can reach, or {url_variable} to an external server."
    )


def child_setup(identity: Identity, *, death_signal: signal.Signals) -> Callable[[], None]:
    """Build what runs in a new child before the engine's executable takes over.

    The child becomes ``identity`` and, on Linux, is sent ``death_signal`` by the kernel when the
    process that started it is gone, however it went.
    """
    parent = os.getpid()

    def prepare() -> None:
        if identity.is_another:
            become(identity)
        if sys.platform == "linux":
            # Only now: the kernel forgets the signal when credentials change.
            _prctl(_PR_SET_PDEATHSIG, int(death_signal))
            if os.getppid() != parent:
                os._exit(1)

    return prepare


def become(identity: Identity) -> None:
    """Turn this process from root into ``identity``, for good. Raises OSError where refused."""
    if identity.capability is not None:
        # Without this access(2), by which PostgreSQL checks its files, would ignore the capability.
        _prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP)
    if os.getgroups():
        os.setgroups([])
    os.setgid(identity.gid)
    os.setuid(identity.uid)
    if identity.capability is not None:
        _keep_only(identity.capability)


def has_name(identity: Identity) -> bool:
    """Whether the system knows the user by name; in a container it often does not."""
    try:
        pwd.getpwuid(identity.uid)
    except KeyError:
        return False
    return True


def nobody() -> Identity:
    """The user that owns nothing, as the system calls it or as is customary."""
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Identity(uid=_NOBODY_FALLBACK_ID, gid=_NOBODY_FALLBACK_ID)
    # macOS counts nobody as -2, which is the unsigned 32-bit number the kernel knows.
    return Identity(uid=entry.pw_uid, gid=entry.pw_gid)


def _find_obstacle(identity: Identity, paths: list[Path]) -> str | None:
    """Ask the kernel, in a child of that identity, which folder is in the way, if any.

    Mode bits alone would miss access lists, mounts and security modules.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        answer = "the identity of the engine user"
        try:
            become(identity)
            answer = next((str(folder) for path in paths if (folder := _closed(path))), "")
        except OSError:
            pass
        finally:
            os.write(writer, os.fsencode(answer) or b"\0")
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        reported = pipe.read()
    os.waitpid(child, 0)
    return None if reported == b"\0" else os.fsdecode(reported) or "?"


def _closed(path: Path) -> Path | None:
    """The first folder on the way to a path, or the path itself, that is closed to this process."""
    for step in (*path.parents[::-1], path):
        if not os.access(step, os.X_OK if step.is_dir() else os.R_OK):
            return step
    return None


def _prctl(option: int, *arguments: int) -> None:
    assert _libc is not None
    padded = (*arguments, 0, 0, 0, 0)[:4]
    if _libc.prctl(option, *(ctypes.c_ulong(value) for value in padded)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _keep_only(capability: int) -> None:
    """Give up every capability but one, and let that one pass through exec."""
    assert _libc is not None
    mask = 1 << capability
    header = (ctypes.c_uint32 * 2)(_LINUX_CAPABILITY_VERSION_3, 0)
    # Two triples of effective, permitted and inheritable; the second is for numbers above 31.
    sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    if _libc.capset(header, sets) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)
