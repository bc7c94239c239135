"""What is asked of a campaign that was published."""

from typing import Any

import asyncpg

from resolvers.global_ids import seal
from tests.graphql.endpoint import Api
from tests.support.shop import Sale
from tests.support.staff import Caller

ERRORS = (
    "userErrors { __typename code message field ... on CampaignFaultError { fault } "
    "... on CapacityBelowSoldError { sold } ... on CampaignNotOpenError { campaignStatus } "
    "... on CancelPreviewOutdatedError { preview { orders refundTotal { minor } } } "
    "... on VersionConflictError { currentVersion conflicts { field yours current } } }"
)
CAMPAIGN = "{ id status version opensAt closesAt progress { capacity } terms { version } }"


async def send(
    api: Api, caller: Caller, name: str, more: str = "", **wish: Any
) -> tuple[Any, list[dict[str, Any]]]:
    """Send a mutation; return its payload and the user errors."""
    type_ = f"{name[0].upper()}{name[1:]}Input!"
    query = (
        f"mutation ($input: {type_}) {{ {name}(input: $input) "
        f"{{ campaign {CAMPAIGN} {more} {ERRORS} }} }}"
    )
    payload = (await api.ask(query, bearer=caller.token, input=wish)).data[name]
    return payload, payload["userErrors"]


async def read(api: Api, caller: Caller, fields: str) -> Any:
    """Return fields of the campaign."""
    query = (
        '{ merchant { shop(slug: "moonlit-forge") { campaign(handle: "nebula-fox") { '
        f"{fields} }} }} }} }}"
    )
    return (await api.ask(query, bearer=caller.token)).data["merchant"]["shop"]["campaign"]


def of(sale: Sale) -> dict[str, Any]:
    """Return what names the sale as it was read."""
    return {"campaignId": seal("Campaign", sale.campaign.id), "version": sale.campaign.version}


def item_of(sale: Sale) -> dict[str, Any]:
    """Return what names the sale's item as it was read."""
    return {"itemId": seal("CampaignItem", sale.item_id), "version": sale.campaign.version}


async def actions(admin: asyncpg.Connection) -> list[str]:
    """Return what was done to campaigns, by the log."""
    rows = await admin.fetch(
        "SELECT action FROM audit_entry WHERE action LIKE 'campaign.%' ORDER BY id"
    )
    return [row["action"] for row in rows]
