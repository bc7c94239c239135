"""Who has no address of his own may type in a stranger's: what he asks for tells nothing of it."""

from headless_presale.customers import export_link
from headless_presale.orders import Order
from headless_presale.privacy import PersonalDataExport, write_export
from tests.graphql.customers import PROVE, Storefront, codes_of
from tests.graphql.ordering import PLACE, order_input
from tests.graphql.privacy.copies import ask, asked_by, fetch
from tests.graphql.privacy.life import Stage
from tests.graphql.privacy.searching import columns_that_say
from tests.graphql.privacy.test_erasing import MAIL, erase, erase_person
from tests.graphql.providers import without_an_address
from tests.support.shop import Sale

STRANGER = "stranger@example.com"


async def order_under(stage: Stage, sale: Sale, token: str | None, email: str) -> None:
    """Place an order, as somebody who is signed in or as a guest, under an address."""
    body = order_input(sale, buyer={"email": email, "name": "Lin"})
    placed = (await stage.api.ask(PLACE, bearer=token, input=body)).data["orderPlace"]
    assert codes_of(placed) == []


async def test_a_copy_does_not_tell_what_else_was_mailed_there(stage: Stage) -> None:
    # Given a stranger who has signed in here, and has had a copy made
    sale = await stage.open()
    await write_export(await asked_by(stage, sale, STRANGER))
    # and somebody without an address, who orders under that of the stranger
    token = await without_an_address(sale.shop)
    await order_under(stage, sale, token, STRANGER)

    assert codes_of(await ask(stage, token)) == []
    (mine,) = await PersonalDataExport.filter(ready_at=None)
    await write_export(mine.id)

    copy = (await fetch(export_link(mine.id))).json()
    assert [order["buyer"]["email"] for order in copy["orders"]] == [STRANGER]
    assert copy["mails"] == []


async def test_what_he_ordered_under_another_address_is_erased_with_him(stage: Stage) -> None:
    sale = await stage.open()
    token = await without_an_address(sale.shop)
    await order_under(stage, sale, token, STRANGER)
    # Somebody else's, of that address, is not his.
    await order_under(stage, sale, None, STRANGER)
    given = {"email": MAIL, "code": await Storefront(stage.api, sale.shop).code(MAIL)}
    proven = (await stage.api.ask(PROVE, bearer=token, input=given)).data["emailProve"]

    erased = await erase(stage, proven["accessToken"])

    assert (erased["userErrors"], erased["erasure"]["orders"]) == ([], 1)
    kept = [order.buyer["email"] for order in await Order.all()]
    assert sorted(kept) == ["", STRANGER]
    assert await columns_that_say(stage.admin, [MAIL]) == {}
    assert await stage.broken() == []


async def test_forgetting_a_mailbox_does_not_open_it_to_more_codes(stage: Stage) -> None:
    sale = await stage.open()
    storefront = Storefront(stage.api, sale.shop)
    asked = [codes_of(await storefront.ask_for_code(MAIL)) for _ in range(4)]
    assert asked == [[], [], [], ["TOO_MANY_ATTEMPTS"]]

    assert codes_of(await erase_person(stage, sale)) == []

    assert codes_of(await storefront.ask_for_code(MAIL)) == ["TOO_MANY_ATTEMPTS"]
