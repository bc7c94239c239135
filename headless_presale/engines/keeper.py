"""The keeper: the small process that runs a data folder's engines while anybody uses them.

It lives in a session of its own, so that Ctrl-C in the terminal reaches the application alone and
the engines stay until it has drained. Each user holds a connection; when the last one has ended,
by choice or by ``kill -9``, the keeper stops the engines in good order and ends. A keeper that is
itself killed takes the engines with it (Linux), and whoever comes next cleans up.

Started by the launcher as ``python -m headless_presale.engines.keeper``; of no use by hand.
"""

import contextlib
import os
import selectors
import shutil
import signal
import socket
import sys
import traceback
from dataclasses import dataclass
from types import FrameType

from headless_presale.engines.binaries import postgres_install, valkey_server
from headless_presale.engines.errors import EngineStartFailed
from headless_presale.engines.layout import Layout, remove_folder_if_empty
from headless_presale.engines.log_files import rotate_log
from headless_presale.engines.postgres import Postgres
from headless_presale.engines.supervised import Engine, SupervisedEngine
from headless_presale.engines.valkey import Valkey
from headless_presale.engines.wire import KeeperOptions, Line

_BUSY_SECONDS = 0.02
_QUIET_SECONDS = 30.0
_REPLY_SECONDS = 5.0


@dataclass(eq=False, slots=True)
class User:
    """A process that uses the engines, as far as the keeper can see it."""

    line: Line
    wanted: tuple[str, ...] = ()
    is_answered: bool = False


class Keeper:
    """Serves users until none is left.

    Args:
        layout: The data folder, on which the caller holds the keeper's lock.
        options: How the engines are run.
    """

    def __init__(self, layout: Layout, options: KeeperOptions) -> None:
        self._layout = layout
        self._options = options
        self._engines: dict[str, SupervisedEngine] = {}
        self._users: set[User] = set()
        self._leaver: User | None = None
        self._is_terminated = False
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def serve(self, first_connection: socket.socket) -> None:
        """Run until the last user has gone or SIGTERM came, then stop everything."""
        self._watch_signals()
        self._listen()
        self._admit(first_connection)
        try:
            while self._users and not self._is_terminated:
                self._run_once()
        finally:
            self._stop()

    def _run_once(self) -> None:
        for name in list(self._engines):
            self._step(name)
        self._answer()
        is_settled = all(engine.is_ready for engine in self._engines.values())
        if is_settled:
            self._rotate_logs()
        for key, _ in self._selector.select(_QUIET_SECONDS if is_settled else _BUSY_SECONDS):
            if key.fileobj is self._listener:
                self._admit(self._listener.accept()[0])
            elif isinstance(key.data, User):
                self._hear(key.data)
            else:
                os.read(key.fd, 4096)

    def _rotate_logs(self) -> None:
        for name in ("keeper", *self._engines):
            with contextlib.suppress(OSError):
                rotate_log(self._layout.log_of(name))

    def _hear(self, user: User) -> None:
        try:
            messages = user.line.receive_available()
            if messages is None:
                self._dismiss(user)
                return
            for message in messages:
                if message.get("leave"):
                    self._part_from(user)
                    return
                self._note_wishes(user, engines=message["engines"], durable=message["durable"])
        except (ValueError, KeyError, TypeError):
            self._dismiss(user)

    def _note_wishes(self, user: User, *, engines: list[str], durable: bool) -> None:
        if durable != self._options.durable:
            mode = "durable" if self._options.durable else "not durable"
            self._refuse(
                user,
                EngineStartFailed(
                    f"The engines of {self._layout.data_dir} are running and are {mode}; "
                    "stop their users first, or use another PRESALE_DATA_DIR."
                ),
            )
            return
        try:
            for name in engines:
                if name not in self._engines:
                    self._engines[name] = SupervisedEngine(self._create(name), self._layout)
        except EngineStartFailed as error:
            self._refuse(user, error)
            return
        user.wanted = tuple(engines)

    def _create(self, name: str) -> Engine:
        durable = self._options.durable
        if name == Postgres.name:
            install = self._options.postgres_install or postgres_install()
            return Postgres(self._layout, install, durable=durable)
        if name == Valkey.name:
            return Valkey(self._layout, valkey_server(), durable=durable)
        raise ValueError(name)

    def _step(self, name: str) -> None:
        try:
            self._engines[name].step()
        except EngineStartFailed as error:
            del self._engines[name]
            for user in self._users:
                if name in user.wanted and not user.is_answered:
                    self._refuse(user, error)

    def _answer(self) -> None:
        for user in list(self._users):
            if user.is_answered or not user.wanted:
                continue
            if all(self._engines[name].is_ready for name in user.wanted):
                user.is_answered = True
                self._send(user, {"ready": True, "sockets": str(self._layout.sockets)})

    def _refuse(self, user: User, error: EngineStartFailed) -> None:
        """Say why not. The user leaves by itself then, and learns when all is down again."""
        user.is_answered = True
        self._send(user, {"error": error.reason, "log_tail": error.log_tail})

    def _part_from(self, user: User) -> None:
        if len(self._users) == 1:
            # The last one is answered when everything is down.
            self._leaver = user
            self._forget(user)
        else:
            self._send(user, {"stopped": False})
            self._dismiss(user)

    def _send(self, user: User, message: dict[str, object]) -> None:
        # Whoever cannot be told has gone, which its connection shows next.
        with contextlib.suppress(OSError):
            user.line.send(message)

    def _admit(self, connection: socket.socket) -> None:
        connection.settimeout(_REPLY_SECONDS)
        user = User(Line(connection))
        self._users.add(user)
        self._selector.register(connection, selectors.EVENT_READ, user)

    def _dismiss(self, user: User) -> None:
        self._forget(user)
        user.line.close()

    def _forget(self, user: User) -> None:
        self._users.discard(user)
        self._selector.unregister(user.line.connection)

    def _listen(self) -> None:
        path = self._layout.keeper_socket
        path.unlink(missing_ok=True)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._layout.hand_over(path)
        # Where to find the keeper: the temporary folder of the next user may be another one.
        self._layout.keeper_lock.write_bytes(os.fsencode(path))
        self._selector.register(self._listener, selectors.EVENT_READ)

    def _watch_signals(self) -> None:
        wake_reader, wake_writer = os.pipe()
        for end in (wake_reader, wake_writer):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_writer)
        self._selector.register(wake_reader, selectors.EVENT_READ)

        def wake(number: int, frame: FrameType | None) -> None:
            if number == signal.SIGTERM:
                self._is_terminated = True

        # Handlers that do nothing instead of SIG_IGN, which the engines would inherit.
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, wake)

    def _stop(self) -> None:
        """Close the door, stop the engines, clean up, and tell the last user."""
        layout = self._layout
        layout.keeper_socket.unlink(missing_ok=True)
        self._listener.close()
        for engine in self._engines.values():
            engine.ask_to_stop()
        for engine in self._engines.values():
            engine.wait_until_stopped()
        if self._options.discard:
            shutil.rmtree(layout.data_dir, ignore_errors=True)
        if layout.sockets != layout.run:
            for socket_file in (layout.valkey_socket, layout.postgres_socket_file):
                socket_file.unlink(missing_ok=True)
            remove_folder_if_empty(layout.postgres_sockets)
            remove_folder_if_empty(layout.sockets)
        if self._leaver is not None:
            self._send(self._leaver, {"stopped": True})


def main(arguments: list[str]) -> None:
    """Detach and serve. Arguments: the options, the locked descriptor, the first connection's."""
    options = KeeperOptions.load(arguments[0])
    lock, connection = int(arguments[1]), int(arguments[2])
    # The starter waits for this process only; the keeper is nobody's child to wait for.
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    os.umask(0o077)
    for descriptor in (lock, connection):
        os.set_inheritable(descriptor, False)
    first_connection = socket.socket(fileno=connection)
    try:
        Keeper(Layout.of(options.data_dir), options).serve(first_connection)
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
    # At once: the last user waits for this end, and taking the interpreter down is slow.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
