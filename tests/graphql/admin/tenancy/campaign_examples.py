"""What mutations of campaigns are asked with."""

from collections.abc import Mapping
from typing import Any

from tests.graphql.admin.tenancy.world import Example, House

TERMS = {
    "shipsBy": "2099-07-31",
    "refundPolicy": [{"locale": "en", "text": "In full."}],
    "cancelConditions": [{"locale": "en", "text": "Until the close."}],
}


def _item(house: House) -> dict[str, Any]:
    return {
        "variantId": house.ids["variant"],
        "price": "90.00",
        "batches": [{"capacity": 3, "shipsBy": "2099-06-30"}],
    }


CAMPAIGN_MUTATIONS: Mapping[str, tuple[Example, ...]] = {
    "campaignCreate": (
        lambda house: {
            "shopId": house.ids["shop"],
            "handle": "another",
            "title": f"Another of {house.mark}",
            "opensAt": "2099-01-01T00:00:00Z",
            "closesAt": "2099-01-08T00:00:00Z",
            "items": [_item(house)],
            "terms": TERMS,
        },
    ),
    "campaignUpdate": (
        lambda house: {
            "campaignId": house.ids["draft campaign"],
            "title": "Renamed",
            "items": [_item(house)],
            "version": 1,
        },
    ),
    "campaignDuplicate": (lambda house: {"campaignId": house.ids["open campaign"]},),
    "campaignPublish": (lambda house: {"campaignId": house.ids["draft campaign"], "version": 1},),
    "campaignSchedule": (
        lambda house: {
            "campaignId": house.ids["scheduled campaign"],
            "closesAt": "2098-01-01T00:00:00Z",
            "version": 2,
        },
    ),
    "campaignUnschedule": (
        lambda house: {"campaignId": house.ids["scheduled campaign"], "version": 2},
    ),
    "campaignExtend": (
        lambda house: {
            "campaignId": house.ids["open campaign"],
            "closesAt": "2098-01-01T00:00:00Z",
            "reason": "More clay",
            "version": 3,
        },
    ),
    "campaignBatchAdd": (
        lambda house: {
            "itemId": house.ids["item of the open campaign"],
            "capacity": 3,
            "shipsBy": "2099-12-31",
            "version": 3,
        },
    ),
    "campaignCapSet": (
        lambda house: {
            "itemId": house.ids["item of the open campaign"],
            "capacity": 3,
            "version": 3,
        },
    ),
    "campaignTermsCreate": (
        lambda house: {
            "campaignId": house.ids["open campaign"],
            "terms": TERMS,
            "version": 3,
        },
    ),
    "campaignClose": (
        lambda house: {
            "campaignId": house.ids["open campaign"],
            "reason": "Sold enough",
            "version": 3,
        },
    ),
    "campaignCancel": (
        lambda house: {
            "campaignId": house.ids["open campaign"],
            "reason": "The kiln broke",
            "expectedOrders": 0,
            "expectedRefundMinor": 0,
            "version": 3,
        },
    ),
    "campaignDiscard": (lambda house: {"campaignId": house.ids["draft campaign"], "version": 1},),
}
