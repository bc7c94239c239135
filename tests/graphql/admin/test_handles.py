"""What cannot be anybody's handle is asked for like any other: there is nothing of that name."""

import pytest

from tests.graphql.endpoint import Api
from tests.support.shop import open_sale
from tests.support.staff import sign_in

PUBLIC = """query ($slug: String!, $handle: String!) {
  shop(slug: $slug) { campaign(handle: $handle) { id } product(handle: $handle) { id } } }"""
OWN = """query ($slug: String!, $handle: String!) { merchant { shop(slug: $slug) {
  campaign(handle: $handle) { id } product(handle: $handle) { id } } } }"""


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("handle", ["", "A b", "a\x00", "a" * 121, "a" * 20_000, "(" * 500])
async def test_an_impossible_handle_finds_nothing(api: Api, handle: str) -> None:
    sale = await open_sale()
    owner = await sign_in(sale.shop)
    names = {"slug": sale.shop.slug, "handle": handle}

    public = await api.ask(PUBLIC, **names)
    own = await api.ask(OWN, bearer=owner.token, **names)

    nothing = {"campaign": None, "product": None}
    assert public.data == {"shop": nothing}
    assert own.data == {"merchant": {"shop": nothing}}
