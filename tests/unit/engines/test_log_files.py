"""Small logs that stay readable while an engine writes to them."""

import os
from pathlib import Path

import pytest

from headless_presale.engines.log_files import open_log, rotate_log, tail_of


def test_a_full_log_is_moved_aside_under_its_writer(tmp_path: Path) -> None:
    path = tmp_path / "postgres.log"
    log = open_log(path)
    os.write(log, b"old\n" * 3)

    assert rotate_log(path, limit_bytes=12) is False
    assert rotate_log(path, limit_bytes=11) is True

    os.write(log, b"new\n")
    os.close(log)
    assert path.read_bytes() == b"new\n"
    assert (tmp_path / "postgres.log.1").read_bytes() == b"old\n" * 3


def test_a_link_in_the_place_of_a_log_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("kept")
    (tmp_path / "valkey.log").symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"):
        open_log(tmp_path / "valkey.log")
    assert target.read_text() == "kept"


def test_the_tail_is_the_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "postgres.log"
    path.write_text("".join(f"line {number}\n" for number in range(5000)))
    assert tail_of(path, lines=2) == "line 4998\nline 4999"
    assert tail_of(tmp_path / "missing.log") == ""
