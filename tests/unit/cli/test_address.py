"""Which address a command writes into tokens and links."""

from pathlib import Path

import pytest

from headless_presale.cli.session import keep_address, with_address
from headless_presale.settings import Settings


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data folder that was served on port 8123; the environment names nothing."""
    for name in ("PORT", "PRESALE_PUBLIC_URL", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    keep_address(Settings(data_dir=tmp_path, port=8123))
    return tmp_path


def test_a_command_takes_the_address_that_is_served(served: Path) -> None:
    assert with_address(Settings(data_dir=served)).base_url == "http://127.0.0.1:8123"
    keep_address(Settings(data_dir=served, public_url="https://shop.example/"))
    assert with_address(Settings(data_dir=served)).base_url == "https://shop.example"
    assert [path.name for path in served.iterdir()] == ["address"]


@pytest.mark.parametrize(
    ("name", "value", "base_url"),
    [
        ("PORT", "8000", "http://127.0.0.1:8000"),
        ("PRESALE_PUBLIC_URL", "https://own.example", "https://own.example"),
        ("DATABASE_URL", "postgresql://elsewhere/presale", "http://127.0.0.1:8000"),
    ],
)
def test_what_it_names_itself_counts(
    served: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, base_url: str
) -> None:
    monkeypatch.setenv(name, value)

    assert with_address(Settings(data_dir=served)).base_url == base_url


def test_an_empty_public_url_is_none(served: Path) -> None:
    settings = Settings(data_dir=served, public_url="")

    assert with_address(settings).base_url == "http://127.0.0.1:8123"


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff\xfe", None])
def test_a_file_that_says_nothing_is_passed_over(served: Path, content: bytes | None) -> None:
    (served / "address").unlink()
    if content is not None:
        (served / "address").write_bytes(content)

    assert with_address(Settings(data_dir=served)).base_url == "http://127.0.0.1:8000"


def test_another_database_leaves_no_address(served: Path) -> None:
    keep_address(Settings(data_dir=served, database_url="postgresql://elsewhere/x", port=9000))

    assert (served / "address").read_text() == "http://127.0.0.1:8123\n"
