"""The owner of the demo shop: made once, shown again, never overwritten."""

import os
from pathlib import Path

import pytest

from headless_presale.demo.owner import EMAIL, FILE, ensure_owner
from headless_presale.identity import Role, StaffMember, find_account
from headless_presale.identity.limits import Source
from headless_presale.identity.models import Account
from headless_presale.identity.passwords import hash_password
from headless_presale.identity.sign_in import sign_in_with_password
from tests.support.shop import make_shop

pytestmark = pytest.mark.usefixtures("database", "clock")

SLUG = "moonlit-forge"


async def test_the_owner_is_made_once_and_shown_again(tmp_path: Path) -> None:
    await make_shop()

    first = await ensure_owner(tmp_path, SLUG)
    again = await ensure_owner(tmp_path, SLUG)

    assert first is not None
    assert first.password
    assert len(first.password) == 23
    assert again == first
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert await sign_in_with_password(
        EMAIL, first.password, source=Source(address="192.0.2.1"), user_agent=""
    )
    assert (await StaffMember.get()).role is Role.OWNER


async def test_two_places_have_two_passwords(tmp_path: Path) -> None:
    await make_shop()
    first = await ensure_owner(tmp_path / "a", SLUG)
    await Account.filter(email=EMAIL).update(password_hash=None)

    second = await ensure_owner(tmp_path / "b", SLUG)

    assert first is not None
    assert second is not None
    assert first.password != second.password


async def test_a_password_that_was_changed_is_left_alone(tmp_path: Path) -> None:
    await make_shop()
    await ensure_owner(tmp_path, SLUG)
    chosen = await hash_password("a password of my own")
    await Account.filter(email=EMAIL).update(password_hash=chosen)

    login = await ensure_owner(tmp_path, SLUG)

    assert login is not None
    assert login.password is None
    account = await find_account(EMAIL)
    assert account is not None
    assert account.password_hash == chosen


async def test_a_start_that_was_killed_half_way_is_finished(tmp_path: Path) -> None:
    # Given a password on disk and an account that nobody can sign in to yet
    await make_shop()
    (tmp_path / FILE).write_text("kept-from-before\n")

    login = await ensure_owner(tmp_path, SLUG)

    assert login is not None
    assert login.password == "kept-from-before"
    assert (await StaffMember.get()).role is Role.OWNER


async def test_without_a_demo_shop_there_is_no_owner(tmp_path: Path) -> None:
    await make_shop("another-shop")

    assert await ensure_owner(tmp_path, SLUG) is None
    assert await Account.all().count() == 0
    assert os.listdir(tmp_path) == []
