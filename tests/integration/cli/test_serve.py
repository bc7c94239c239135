"""``serve`` does not begin with a key that can be guessed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from headless_presale.audits import audit_links, audit_public_address, fault_of_key
from headless_presale.settings import Settings

WEAK = "presale-secret-2026"


def settings(**values: str) -> Settings:
    return Settings.model_validate({"database_url": None, "redis_url": None, **values})


def test_with_a_weak_key_it_is_not_served_in_production(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "headless_presale.cli", "serve"],
        env={
            **{name: value for name, value in os.environ.items() if "PRESALE" not in name},
            "PRESALE_MODE": "production",
            "PRESALE_SECRET_KEY": WEAK,
            "PRESALE_DATA_DIR": str(tmp_path / "data"),
            "NO_COLOR": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr == (
        "Not started: PRESALE_SECRET_KEY has 19 characters, fewer than 32: openssl rand -hex 32\n"
    )
    # No engine was started for it.
    assert not (tmp_path / "data").exists()


def test_a_key_is_judged_only_where_an_operator_has_set_one() -> None:
    assert fault_of_key(settings()) is None
    assert fault_of_key(settings(secret_key="5f1c0f7a3be94d26a7d0c8e1b2f49d63")) is None
    fault = fault_of_key(settings(secret_key=WEAK))
    assert fault is not None
    assert WEAK not in fault


@pytest.mark.parametrize(
    ("values", "is_well"),
    [
        ({"mode": "production", "public_url": "http://shop.example"}, False),
        ({"mode": "production", "public_url": "https://shop.example"}, True),
        ({"mode": "production", "public_url": "http://localhost:8000"}, True),
        ({"mode": "development", "public_url": "http://shop.example"}, True),
    ],
)
def test_a_public_address_without_tls_is_told(values: dict[str, str], is_well: bool) -> None:
    assert audit_public_address(settings(**values)).holds is is_well


def test_an_order_s_address_that_is_not_set_is_told() -> None:
    given = {"order_url_template": "https://shop.example/{id}?token={token}"}
    assert audit_links(settings(**given)).holds
    assert "PRESALE_ORDER_URL_TEMPLATE" in audit_links(settings()).broken[0]
