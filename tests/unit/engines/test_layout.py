"""Where the sockets go and how their addresses are written."""

import os
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from headless_presale.engines.layout import SOCKET_PATH_LIMIT_BYTES, Layout

# "/run/pg/.s.PGSQL.5432" is the longest that is bound below a data folder.
SUFFIX_BYTES = 21


def folder_of_bytes(length: int) -> Path:
    return Path("/" + "x" * (length - 1))


def test_the_longest_path_that_fits_keeps_its_sockets_below_run() -> None:
    data_dir = folder_of_bytes(SOCKET_PATH_LIMIT_BYTES - SUFFIX_BYTES)
    layout = Layout.of(data_dir)
    assert layout.sockets == data_dir / "run"
    assert len(os.fsencode(layout.postgres_socket_file)) == SOCKET_PATH_LIMIT_BYTES


def test_one_byte_more_moves_them_to_a_short_folder() -> None:
    data_dir = folder_of_bytes(SOCKET_PATH_LIMIT_BYTES - SUFFIX_BYTES + 1)
    layout = Layout.of(data_dir)
    assert layout.sockets != data_dir / "run"
    assert len(os.fsencode(layout.postgres_socket_file)) <= SOCKET_PATH_LIMIT_BYTES
    assert layout.keeper_lock == data_dir / "run" / "keeper.lock"


def test_the_short_folder_is_the_same_each_time_and_another_for_each_data_folder() -> None:
    long = folder_of_bytes(150)
    assert Layout.of(long) == Layout.of(long)
    assert Layout.of(long).sockets != Layout.of(long / "other").sockets


def test_length_is_counted_in_bytes() -> None:
    # A slash and 30 characters of three bytes each: 1 + 30 * 3 + 21 = 112 bytes, above the limit.
    data_dir = Path("/" + "预" * 30)
    assert Layout.of(data_dir).sockets != data_dir / "run"


@pytest.mark.parametrize("name", ["a,b", 'a"b', "a\\b"])
def test_what_postgres_reads_as_a_list_is_avoided(name: str) -> None:
    data_dir = Path("/") / name
    assert Layout.of(data_dir).sockets != data_dir / "run"


def test_addresses_survive_odd_names() -> None:
    layout = Layout.of(Path("/a b%20&?#é"))
    address = urlsplit(layout.database_url)
    assert address.path == "/presale"
    assert parse_qs(address.query) == {"host": ["/a b%20&?#é/run/pg"], "port": ["5432"]}
    assert unquote(urlsplit(layout.redis_url).path) == "/a b%20&?#é/run/valkey.sock"
