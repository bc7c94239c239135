"""Secrets from files: every secret setting there is, and every file that is of no use."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError

from headless_presale.cli.session import environment_of
from headless_presale.kernel.secret_files import MAX_BYTES, is_secret, variable_of
from headless_presale.settings import SECRET_ADDRESSES, Settings

CANARY = "canary-7f3a9c51e2d84b06"
ADDRESSES = {
    "database_url": f"postgresql://presale:{CANARY}@db/presale",
    "redis_url": f"redis://:{CANARY}@cache/0",
}
SECRETS = sorted(
    {name for name, field in Settings.model_fields.items() if is_secret(field)} | SECRET_ADDRESSES
)


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable_of(Settings, name), raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{CANARY}\n")
    return path


def read(name: str) -> object:
    value = getattr(Settings(), name)
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def test_the_secret_settings_are_found() -> None:
    assert set(SECRETS) >= {"secret_key", "smtp_password", "oidc_client_secret", "database_url"}
    assert "public_url" not in SECRETS


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_is_read_from_a_file(
    name: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(name) is None
    file.write_text(ADDRESSES.get(name, CANARY))
    monkeypatch.setenv(f"{variable_of(Settings, name)}_FILE", str(file))
    # Container files pass what is not set as an empty text.
    monkeypatch.setenv(variable_of(Settings, name), "")

    assert read(name) == ADDRESSES.get(name, CANARY)


@pytest.mark.parametrize("name", SECRETS)
def test_a_value_and_a_file_are_refused(
    name: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = variable_of(Settings, name)
    monkeypatch.setenv(f"{variable}_FILE", str(file))
    monkeypatch.setenv(variable, f"{CANARY}-too")

    with pytest.raises(SettingsError, match=f"{variable} and {variable}_FILE") as refused:
        Settings()

    assert CANARY not in str(refused.value)


def test_what_is_no_secret_has_no_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESALE_PUBLIC_URL_FILE", str(file))

    assert Settings().public_url is None


@pytest.mark.parametrize(
    ("content", "value"),
    [(b"a b ", "a b "), (b"a\r\n", "a"), (b"a\n\n", "a\n"), ("schlüssel".encode(), "schlüssel")],
)
def test_one_line_end_is_no_part_of_it(
    content: bytes, value: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_bytes(content)
    monkeypatch.setenv("PRESALE_SECRET_KEY_FILE", str(file))

    assert read("secret_key") == value


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff\xfe" + CANARY.encode(), "no UTF-8 text"),
        (CANARY.encode() * MAX_BYTES, "more than"),
        (None, "cannot read"),
    ],
)
def test_a_file_of_no_use_is_refused_and_named(
    content: bytes | None, fault: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    monkeypatch.setenv("PRESALE_SECRET_KEY_FILE", str(file))

    with pytest.raises(SettingsError, match=fault) as refused:
        Settings()

    assert str(refused.value).startswith("PRESALE_SECRET_KEY_FILE: ")
    assert CANARY not in str(refused.value)
    # A traceback shows no cause that would tell more.
    assert refused.value.__cause__ is None


def test_a_folder_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESALE_SECRET_KEY_FILE", str(tmp_path))

    with pytest.raises(SettingsError, match="Is a directory"):
        Settings()


def test_processes_that_this_one_starts_read_the_same(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(ADDRESSES["database_url"])
    monkeypatch.setenv("DATABASE_URL_FILE", str(file))
    settings = Settings(redis_url="redis://127.0.0.1:1/0")
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)

    assert Settings().database_url == ADDRESSES["database_url"]


def test_a_setting_that_is_refused_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESALE_SECRET_KEY", CANARY)
    monkeypatch.setenv("PRESALE_OIDC_CLIENT_ID", f"{CANARY}-id")
    monkeypatch.setenv("PRESALE_SIGN_IN", "oidc")

    with pytest.raises(ValidationError) as refused:
        Settings()

    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("DATABASE_URL", "postgresql://presale:12/{}@db/presale"),
        ("DATABASE_URL", "postgresql://presale:{}/x@db/presale"),
        ("DATABASE_URL", "postgresql://presale:{}?x@db/presale"),
        ("DATABASE_URL", "postgresql://presale:{}#x@db/presale"),
        ("DATABASE_URL", "postgresql://presale:x@db:{}/presale"),
        ("DATABASE_URL", "mysql://presale:{}@db/presale"),
        ("DATABASE_URL", "{}"),
        ("REDIS_URL", "redis://:{}/x@cache/0"),
        ("REDIS_URL", "http://:{}@cache/0"),
    ],
)
def test_an_address_that_cannot_be_read_is_refused_and_not_shown(
    variable: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, address.format(CANARY))

    with pytest.raises(ValidationError, match="it is like") as refused:
        Settings()

    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("DATABASE_URL", "postgresql://postgres@/presale?host=/var/run/postgresql"),
        ("DATABASE_URL", "postgres://presale:a%2Fb%40c@[::1]:5432/presale?sslmode=require"),
        ("REDIS_URL", "unix:///var/run/valkey.sock?db=3"),
        ("REDIS_URL", "rediss://user:a%2Fb@cache:6380/1"),
    ],
)
def test_an_address_that_can_is_taken_as_it_is(
    variable: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, address)

    assert read(variable.lower()) == address
