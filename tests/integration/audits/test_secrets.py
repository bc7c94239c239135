"""Secrets that are none: what doctor refuses, and that it lets in what our own words make."""

import base64
from secrets import token_bytes, token_hex, token_urlsafe

import pytest

from headless_presale.audits import audit_secrets, is_development
from headless_presale.cli.everything import _gateway_environment
from headless_presale.settings import Settings

RANDOM = "5f1c0f7a3be94d26a7d0c8e1b2f49d63"


def settings(**values: str) -> Settings:
    return Settings.model_validate({"database_url": None, "redis_url": None, **values})


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"secret_key": "short"}, "PRESALE_SECRET_KEY has 5 characters"),
        ({"secret_key": "a" * 64}, "PRESALE_SECRET_KEY repeats itself"),
        ({"secret_key": "abcabc" * 11}, "PRESALE_SECRET_KEY repeats itself"),
        ({"secret_key": "ChangeMe-ChangeMe-ChangeMe-ChangeMe"}, "SECRET_KEY is an example"),
        ({"secret_key": "your-secret-key-presale-production"}, "SECRET_KEY is an example"),
        ({"secret_key": "the output of openssl rand -hex 32"[-32:]}, "is an example"),
        ({"sandbox_gateway_api_key": "sandbox-key"}, "PRESALE_SANDBOX_GATEWAY_API_KEY has 11"),
        (
            {"sandbox_gateway_webhook_secret": "whsec_c2FuZGJveA=="},
            "PRESALE_SANDBOX_GATEWAY_WEBHOOK_SECRET has 12",
        ),
        ({"smtp_password": "hunter2"}, "PRESALE_SMTP_PASSWORD has 7"),
        ({"oidc_client_secret": "example-secret"}, "PRESALE_OIDC_CLIENT_SECRET is an example"),
        ({"database_url": "postgresql://presale:presale@db/presale"}, "DATABASE_URL has 7"),
        ({"database_url": "postgresql://a:postgres-postgres@db/a"}, "DATABASE_URL is an example"),
        ({"redis_url": "redis://:p%61ssword1234@cache/0"}, "REDIS_URL is an example"),
        ({"secret_key": RANDOM, "smtp_password": RANDOM}, "PRESALE_SMTP_PASSWORD is the same"),
    ],
)
def test_what_is_no_secret_is_named_and_not_shown(values: dict[str, str], fault: str) -> None:
    finding = audit_secrets(settings(**values))

    assert not finding.holds
    told = "\n".join(finding.broken)
    assert fault in told
    assert [value for value in values.values() if len(value) > 8 and value in told] == []


def test_what_our_own_words_make_is_let_in() -> None:
    for _ in range(200):
        signing = base64.b64encode(token_bytes(32)).decode()
        given = settings(
            secret_key=token_hex(32),
            sandbox_gateway_api_key=token_hex(16),
            sandbox_gateway_webhook_secret=f"whsec_{signing}",
            smtp_password=token_urlsafe(16),
            database_url=f"postgresql://presale:{token_hex(32)}@postgres:5432/presale",
            redis_url="redis://valkey:6379/0",
        )
        assert audit_secrets(given).broken == ()


def test_what_is_not_set_is_not_judged() -> None:
    assert audit_secrets(settings()).holds


def test_what_run_makes_by_itself_is_let_in() -> None:
    made = _gateway_environment(settings(secret_key=token_hex(32)))
    given = settings(
        sandbox_gateway_api_key=made["PRESALE_SANDBOX_GATEWAY_API_KEY"],
        sandbox_gateway_webhook_secret=made["PRESALE_SANDBOX_GATEWAY_WEBHOOK_SECRET"],
    )

    assert audit_secrets(given).holds


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, True),
        ({"public_url": "http://localhost:8000"}, True),
        ({"public_url": "http://shop.localhost"}, True),
        ({"public_url": "http://[::1]:8000"}, True),
        ({"public_url": "http://127.9.9.9"}, True),
        ({"public_url": "https://shop.example"}, False),
        ({"public_url": "http://localhost.example"}, False),
        ({"public_url": "http://10.0.0.1"}, False),
        ({"host": "0.0.0.0"}, False),
        ({"mode": "production"}, False),
    ],
)
def test_development_is_what_only_this_machine_reaches(
    values: dict[str, str], expected: bool
) -> None:
    assert is_development(settings(**values)) is expected
