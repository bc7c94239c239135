"""What one order costs, counted where its buyer stands: over HTTP."""

from resolvers.global_ids import seal
from tests.e2e.conftest import Stack
from tests.e2e.storefront import PLACE
from tests.support.shop import make_shop, open_sale
from tests.support.statements import counted_statements


async def test_order_place_is_one_transaction_of_six_statements(stack: Stack) -> None:
    sale = await open_sale(shop=await make_shop("atelier", "USD"), capacity=10)
    body = {
        "shop": "atelier",
        "lines": [{"campaignItemId": seal("CampaignItem", sale.item_id), "quantity": 1}],
        "buyer": {"email": "lin@example.com", "name": "Lin"},
        "shippingAddress": {"country": "US", "city": "Portland", "line1": "1 Pine Street"},
        "acceptedTermsVersion": 1,
    }
    async with counted_statements() as sent:
        # The first order fills the caches of shop and campaign and opens connections.
        await stack.query(PLACE, input={**body, "idempotencyKey": "first"})
        # Its statements are sent by this process too, and would be counted.
        await stack.stop_worker()
        del sent[:]

        data = await stack.query(PLACE, input={**body, "idempotencyKey": "second"})

    assert data["orderPlace"]["userErrors"] == []
    ours = [statement for statement in sent if "procrastinate" not in statement]
    words = [statement.split()[0].rstrip(";") for statement in ours]
    assert words == ["BEGIN", "WITH", "INSERT", "UPDATE", "INSERT", "COMMIT"]
