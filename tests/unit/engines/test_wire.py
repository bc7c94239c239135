"""The conversation between users and their keeper."""

import socket
from pathlib import Path

import pytest

from headless_presale.engines.wire import KeeperOptions, Line


def test_messages_arrive_whole_however_they_are_cut() -> None:
    left, right = socket.socketpair()
    with left, right:
        line = Line(right)
        left.sendall(b'{"a": 1}\n{"b"')
        assert line.receive_available() == [{"a": 1}]
        left.sendall(b": 2}\n")
        assert line.receive() == {"b": 2}


def test_the_end_of_the_other_side_is_no_message() -> None:
    left, right = socket.socketpair()
    with right:
        left.sendall(b'{"unfinished')
        left.close()
        assert Line(right).receive() is None


@pytest.mark.parametrize("text", [b"[]\n", b"nonsense\n", b"x" * 70_000])
def test_what_is_no_message_is_refused(text: bytes) -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(text)
        line = Line(right)
        with pytest.raises(ValueError, match=r"object|Expecting|too long"):
            line.receive()


@pytest.mark.parametrize("install", [None, Path("/opt/pg")])
def test_options_survive_the_command_line(install: Path | None) -> None:
    options = KeeperOptions(
        data_dir=Path("/a b'é"), durable=False, discard=True, postgres_install=install
    )
    assert KeeperOptions.load(options.dump()) == options
