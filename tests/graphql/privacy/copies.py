"""Copies that people ask for, and the links that lead to them."""

from typing import Any
from uuid import UUID

import httpx

from headless_presale.customers import export_link
from headless_presale.kernel.ids import customer_id_of
from headless_presale.privacy import PersonalDataExport, write_export
from tests.graphql.customers import Storefront, codes_of
from tests.graphql.privacy.life import Stage
from tests.support.pages import Site
from tests.support.shop import Sale

LIN = "lin@example.com"
EXPORT = """
mutation ($input: PersonalDataExportInput!) {
  personalDataExport(input: $input) {
    export { id askedAt readyAt expiresAt url }
    userErrors { __typename code message ... on ExportTooSoonError { retryAt } } } }
"""
ME = "{ me { personalDataExport { askedAt readyAt expiresAt url } } }"
READY = "personal_data_ready"


async def ask(stage: Stage, token: str, *, language: str = "en", **given: Any) -> dict[str, Any]:
    """Return the payload of asking for a copy."""
    reply = await stage.api.ask(EXPORT, bearer=token, language=language, input=given)
    payload: dict[str, Any] = reply.data["personalDataExport"]
    return payload


async def token_of(stage: Stage, sale: Sale, email: str = LIN) -> str:
    """Have somebody sign in; return his access token."""
    token: str = (await Storefront(stage.api, sale.shop).sign_in(email))["accessToken"]
    return token


async def asked_by(stage: Stage, sale: Sale, email: str = LIN, **given: Any) -> UUID:
    """Have somebody sign in and ask for a copy; return its id."""
    assert codes_of(await ask(stage, await token_of(stage, sale, email), **given)) == []
    customer_id = customer_id_of(sale.shop.id, email)
    newest = await PersonalDataExport.filter(customer_id=customer_id).order_by("-asked_at").first()
    assert newest is not None
    return newest.id


async def copy_for(stage: Stage, sale: Sale, email: str = LIN) -> dict[str, Any]:
    """Have somebody sign in, ask for a copy, and fetch it."""
    export_id = await asked_by(stage, sale, email)
    await write_export(export_id)
    return await read_copy(export_id)


async def read_copy(export_id: UUID) -> dict[str, Any]:
    """Fetch a copy by its link."""
    response = await fetch(export_link(export_id))
    assert response.status_code == 200
    copy: dict[str, Any] = response.json()
    return copy


async def fetch(link: str, method: str = "GET") -> httpx.Response:
    """Ask our own server for what a link leads to."""
    async with Site(public_url="http://127.0.0.1:8000").browser() as browser:
        return await browser.client.request(method, link)
