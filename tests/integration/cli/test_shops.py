"""Commands about shops and their catalogues, each as a process of its own."""

from pathlib import Path

import pytest

from headless_presale.catalog import Product
from headless_presale.identity import Invitation, Role
from headless_presale.kernel.audit_log import AuditEntry
from headless_presale.shops import get_shop
from tests.support.commands import run
from tests.support.product_files import products_csv
from tests.support.shop import make_shop

pytestmark = pytest.mark.usefixtures("database", "redis")


async def test_a_new_shop_says_how_its_owner_gets_in(environment: dict[str, str]) -> None:
    made = await run(
        environment, "shops", "create", "atelier", "--name", "Atelier", "--currency", "USD"
    )

    assert made.returncode == 0, made.stderr
    program, *words = made.stdout.splitlines()[-1].split()
    assert program == "headless-presale"
    invited = await run(environment, *words)
    assert invited.returncode == 0, invited.stderr
    invitation = await Invitation.get()
    assert invitation.role is Role.OWNER
    assert invitation.merchant_id == (await get_shop("atelier")).merchant_id


async def test_an_import_is_in_the_log(environment: dict[str, str], tmp_path: Path) -> None:
    shop = await make_shop()
    before = await Product.filter(shop_id=shop.id).count()
    file = tmp_path / "export.csv"
    file.write_text(products_csv(2))

    done = await run(environment, "import-products", str(file), "--shop", shop.slug)

    assert done.returncode == 0, done.stderr
    assert await Product.filter(shop_id=shop.id).count() == before + 2
    entries = await AuditEntry.filter(action__startswith="product_import.").order_by("id")
    assert [entry.action for entry in entries] == ["product_import.start", "product_import.finish"]
    began, ended = entries
    assert {(e.actor, e.owner_id, e.subject_id) for e in entries} == {
        ("cli", shop.id, began.subject_id)
    }
    assert began.after == {"file": "export.csv", "is_dry_run": False, "is_atomic": False}
    assert (ended.after["is_written"], ended.after["created"]) == (True, 2)
    assert ended.after["failed_row_count"] == 0
