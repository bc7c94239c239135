"""What an event looks like on the wire: thin, with ids that GraphQL takes."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from headless_presale.kernel.ids import display_number, global_id
from headless_presale.kernel.money import Money
from headless_presale.webhooks.catalogue import EVENT_TYPES

_KINDS = {"item": "CampaignItem"}
"""Things whose type GraphQL calls otherwise than the event calls the thing."""
_NAMES = {"source": "previousStatus", "target": "status"}
"""Fields that say more to us, who know the lifecycles, than to a receiver."""
_MINOR = "_minor"
_UTC_OFFSET = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?)\+00:00")


def body_of(
    type_: str, occurred_at: datetime, payload: Mapping[str, Any], *, shop_id: UUID | None
) -> bytes:
    """Return the body of a delivery; the same for each of its attempts.

    Args:
        payload: an event's, as it is stored: ``order_id``, ``total_minor``, ``currency``...
    """
    return orjson.dumps(
        {
            "type": type_,
            "timestamp": _moment(occurred_at.astimezone(UTC).isoformat()),
            "data": data_of(type_, payload, shop_id=shop_id),
        }
    )


def data_of(type_: str, payload: Mapping[str, Any], *, shop_id: UUID | None) -> dict[str, Any]:
    """Return an event's fields as GraphQL spells them: global ids, ``Money``, camel case.

    What its type does not list is left out: notes of ours, and whatever an older release wrote.
    """
    listed = EVENT_TYPES[type_].fields if type_ in EVENT_TYPES else frozenset[str]()
    data: dict[str, Any] = {}
    if shop_id is not None:
        data["shopId"] = global_id("Shop", shop_id)
    for name, value in payload.items():
        if name not in listed:
            continue
        if name.endswith("_id") and isinstance(value, str):
            stem = name.removesuffix("_id")
            data[_camel(name)] = global_id(_KINDS.get(stem) or _pascal(stem), value)
            if name == "order_id":
                data["orderNumber"] = display_number(UUID(value))
        elif name.endswith(_MINOR) and isinstance(value, int):
            stem = name.removesuffix(_MINOR)
            currency = payload.get(f"{stem}_currency", payload.get("currency"))
            data[_camel(stem)] = _money(value, currency)
        elif name == "currency" or name.endswith("_currency"):
            continue
        else:
            told = _NAMES.get(name) or _camel(name)
            data[told] = _moment(value) if isinstance(value, str) else value
    return data


def _money(minor: int, currency: object) -> dict[str, Any]:
    money = Money(minor, str(currency))
    return {"amount": f"{money.amount:f}", "minor": minor, "currency": money.currency}


def _moment(text: str) -> str:
    found = _UTC_OFFSET.fullmatch(text)
    return f"{found[1]}Z" if found else text


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
