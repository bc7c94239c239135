"""What is a customer's own: addresses, consents, which mails he wants."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from headless_presale.customers import NotificationKind, addresses, consents, find_opted_out
from headless_presale.customers.models import (
    CustomerAddress,
    CustomerConsent,
    CustomerMailChoice,
)
from headless_presale.kernel.clock import ManualClock
from headless_presale.kernel.ids import global_id, new_id
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from tests.graphql.customers import EMAIL, Storefront, codes_of
from tests.graphql.endpoint import Api
from tests.support.shop import make_shop

HOME = {"country": "CN", "city": "Shanghai", "line1": "1 Nanjing Road", "postalCode": "200001"}
WORK = {"country": "DE", "city": "Berlin", "line1": "Gate 3", "line2": "Yard 2", "region": "BE"}
ADDRESS = """
address { id name phone address { country region city line1 line2 postalCode } isDefault version
  createdAt updatedAt }
userErrors { __typename code field message ... on VersionConflictError { currentVersion
  conflicts { field yours current } } }
"""
CONSENT = "consent { kind isGiven textVersion source locale at } userErrors { code field }"
SELECTIONS = {
    "addressAdd": ADDRESS,
    "addressUpdate": ADDRESS,
    "addressSetDefault": ADDRESS,
    "addressRemove": "addressId userErrors { code field message }",
    "consentGive": CONSENT,
    "consentWithdraw": CONSENT,
    "notificationChoiceSet": "choice { kind isOn isMandatory changedAt } userErrors { code field }",
}


class Customer:
    """A customer who is signed in."""

    def __init__(self, api: Api, token: str) -> None:
        self.api, self.token = api, token

    async def do(self, name: str, /, **given: Any) -> dict[str, Any]:
        """Return the payload of a mutation."""
        type_ = f"{name[0].upper()}{name[1:]}Input!"
        query = f"mutation ($input: {type_}) {{ {name}(input: $input) {{ {SELECTIONS[name]} }} }}"
        reply = await self.api.ask(query, bearer=self.token, input=given)
        payload: dict[str, Any] = reply.data[name]
        return payload

    async def me(self, selection: str) -> Any:
        """Return a part of what is his."""
        reply = await self.api.ask(f"{{ me {{ {selection} }} }}", bearer=self.token)
        return reply.data["me"]

    async def add(self, name: str = "Ann", **given: Any) -> dict[str, Any]:
        """Add an address and return it."""
        payload = await self.do("addressAdd", **{"name": name, "address": HOME, **given})
        assert payload["userErrors"] == []
        address: dict[str, Any] = payload["address"]
        return address

    async def names(self) -> list[str]:
        """Return who the addresses are of, the default marked."""
        found = (await self.me("addresses { name isDefault }"))["addresses"]
        return [f"{row['name']}{'*' if row['isDefault'] else ''}" for row in found]


async def signed_in(storefront: Storefront, email: str = EMAIL) -> Customer:
    return Customer(storefront.api, (await storefront.sign_in(email))["accessToken"])


@pytest.fixture
async def ann(storefront: Storefront) -> Customer:
    return await signed_in(storefront)


async def test_an_address_is_kept_as_it_was_given(ann: Customer) -> None:
    added = await ann.add(" Ann ", phone="+86 21", address=WORK)

    assert added == {
        "id": added["id"],
        "name": "Ann",
        "phone": "+86 21",
        "isDefault": True,
        "version": 1,
        "address": {**WORK, "postalCode": None},
        "createdAt": "2026-03-01T12:00:00Z",
        "updatedAt": "2026-03-01T12:00:00Z",
    }
    found = await ann.me("addresses { id address { city } isDefault }")
    there = {"id": added["id"], "address": {"city": "Berlin"}, "isDefault": True}
    assert found == {"addresses": [there]}


async def test_the_default_is_who_was_chosen_last(ann: Customer, clock: ManualClock) -> None:
    one = await ann.add("one")
    clock.advance(timedelta(seconds=1))
    two = await ann.add("two")
    clock.advance(timedelta(seconds=1))
    await ann.add("three", isDefault=True)
    clock.advance(timedelta(seconds=1))
    assert await ann.names() == ["three*", "two", "one"]

    chosen = await ann.do("addressSetDefault", addressId=two["id"])

    assert chosen["address"]["isDefault"] is True
    assert await ann.names() == ["two*", "three", "one"]
    # Without it the one before it is.
    gone = await ann.do("addressRemove", addressId=two["id"])
    assert gone["addressId"] == two["id"]
    assert await ann.names() == ["three*", "one"]
    again = await ann.do("addressRemove", addressId=two["id"])
    assert codes_of(again) == ["ADDRESS_NOT_FOUND"]
    assert await CustomerAddress.filter(name="one").values_list("version", flat=True) == [
        one["version"]
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, ["name"]),
        ({"name": "x" * 201}, ["name"]),
        ({"phone": "0" * 41}, ["phone"]),
        ({"address": {**HOME, "country": "XX"}}, ["address", "country"]),
        ({"address": {**HOME, "city": ""}}, ["address", "city"]),
        ({"address": {**HOME, "line1": "a\x00"}}, ["address", "line1"]),
        ({"address": {**HOME, "postalCode": "0" * 301}}, ["address", "postalCode"]),
    ],
)
async def test_what_is_no_address_is_not_kept(
    ann: Customer, change: dict[str, Any], field: list[str]
) -> None:
    refused = await ann.do("addressAdd", **{"name": "Ann", "address": HOME, **change})

    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [("INVALID_INPUT", field)]
    assert await CustomerAddress.all().count() == 0


async def test_a_change_carries_the_version_it_read(ann: Customer) -> None:
    added = await ann.add()
    wish = {"addressId": added["id"], "name": "Ann", "version": 1}
    changed = await ann.do("addressUpdate", **wish, address=WORK)
    assert changed["address"]["version"] == 2
    # What is read is what can be sent.
    assert changed["address"]["address"] == {**WORK, "postalCode": None}

    stale = await ann.do("addressUpdate", **wish, address={**WORK, "city": "Bonn"})

    assert codes_of(stale) == ["VERSION_CONFLICT"]
    assert stale["userErrors"][0]["conflicts"] == [
        {"field": "city", "yours": '"Bonn"', "current": '"Berlin"'}
    ]
    assert (await CustomerAddress.get()).city == "Berlin"


async def test_a_book_holds_twenty_however_many_come_at_once(
    ann: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "MOST_ADDRESSES", 3)

    wishes = [{"name": f"{n}", "address": HOME} for n in range(6)]
    answers = await asyncio.gather(*(ann.do("addressAdd", **wish) for wish in wishes))

    assert [codes_of(a) for a in answers].count([]) == 3
    assert await CustomerAddress.all().count() == 3
    assert len([name for name in await ann.names() if name.endswith("*")]) == 1


async def test_nobody_touches_the_addresses_of_another(
    ann: Customer, storefront: Storefront, api: Api
) -> None:
    added = await ann.add()
    bob = await signed_in(storefront, "bob@example.com")
    elsewhere = await signed_in(Storefront(api, await make_shop("other-shop")))
    nowhere = global_id("CustomerAddress", new_id())
    change = {"name": "Bob", "address": WORK, "version": 1}

    for stranger in (bob, elsewhere):
        assert await stranger.names() == []
        for name, more in (
            ("addressUpdate", change),
            ("addressRemove", {}),
            ("addressSetDefault", {}),
        ):
            theirs = await stranger.do(name, addressId=added["id"], **more)
            assert codes_of(theirs) == ["ADDRESS_NOT_FOUND"]
            assert theirs == await stranger.do(name, addressId=nowhere, **more)
    row = await CustomerAddress.get()
    assert (row.name, row.version) == ("Ann", 1)
    wrong = await ann.do("addressRemove", addressId=global_id("Order", new_id()))
    assert codes_of(wrong) == ["INVALID_INPUT"]


async def test_nothing_is_changed_without_a_sign_in(
    ann: Customer, storefront: Storefront, api: Api
) -> None:
    await storefront.sign_out(ann.token)
    for token in (None, ann.token):
        for name in SELECTIONS:
            type_ = f"{name[0].upper()}{name[1:]}Input!"
            query = f"mutation ($input: {type_}) {{ {name}(input: $input) {{ __typename }} }}"
            given = {
                "addressAdd": {"name": "Ann", "address": HOME},
                "addressUpdate": {"addressId": "x", "name": "A", "address": HOME, "version": 1},
                "addressRemove": {"addressId": "x"},
                "addressSetDefault": {"addressId": "x"},
                "consentGive": {"kind": "DATA_SHARING", "textVersion": "1"},
                "consentWithdraw": {"kind": "DATA_SHARING"},
                "notificationChoiceSet": {"kind": "NEWS", "isOn": True},
            }[name]
            reply = await api.ask(query, bearer=token, input=given)
            assert reply.error_codes == ["UNAUTHENTICATED"], name
    assert await CustomerAddress.all().count() == 0
    assert await CustomerConsent.all().count() == 0
    assert await CustomerMailChoice.all().count() == 0


# Consents


async def test_consents_are_given_and_withdrawn_and_stay_written(
    ann: Customer, clock: ManualClock
) -> None:
    wish = {"kind": "PRIVACY_POLICY", "textVersion": "2026-01", "source": "CHECKOUT"}
    given = await ann.do("consentGive", **wish)
    assert given["consent"] == {
        "kind": "PRIVACY_POLICY",
        "isGiven": True,
        "textVersion": "2026-01",
        "source": "CHECKOUT",
        "locale": "en",
        "at": "2026-03-01T12:00:00Z",
    }
    clock.advance(timedelta(seconds=1))
    # Saying it again is saying it once; a newer text is another one.
    assert await ann.do("consentGive", **wish) == given
    newer = await ann.do("consentGive", **{**wish, "textVersion": "2026-02"})
    assert newer["consent"]["textVersion"] == "2026-02"
    clock.advance(timedelta(seconds=1))
    await ann.do("consentGive", kind="DATA_SHARING", textVersion="1")

    withdrawn = await ann.do("consentWithdraw", kind="PRIVACY_POLICY")

    assert withdrawn["consent"]["isGiven"] is False
    assert withdrawn["consent"]["textVersion"] == "2026-02"
    assert await ann.do("consentWithdraw", kind="PRIVACY_POLICY") == withdrawn
    found = await ann.me(
        "consents { kind isGiven } consentHistory(first: 3) { nodes { kind isGiven textVersion } "
        "totalCount pageInfo { hasNextPage } }"
    )
    assert sorted((c["kind"], c["isGiven"]) for c in found["consents"]) == [
        ("DATA_SHARING", True),
        ("PRIVACY_POLICY", False),
    ]
    history = found["consentHistory"]
    assert (history["totalCount"], history["pageInfo"]["hasNextPage"]) == (4, True)
    assert [(c["kind"], c["isGiven"]) for c in history["nodes"]] == [
        ("PRIVACY_POLICY", False),
        ("DATA_SHARING", True),
        ("PRIVACY_POLICY", True),
    ]


async def test_what_was_never_given_need_not_be_withdrawn(ann: Customer) -> None:
    withdrawn = await ann.do("consentWithdraw", kind="PERSONALISATION")

    assert withdrawn == {"consent": None, "userErrors": []}
    assert await CustomerConsent.all().count() == 0


async def test_a_consent_is_to_a_version_of_a_text(ann: Customer) -> None:
    for version in ("", " ", "x" * 41):
        refused = await ann.do("consentGive", kind="DATA_SHARING", textVersion=version)
        assert codes_of(refused) == ["INVALID_INPUT"]
    assert await CustomerConsent.all().count() == 0


async def test_consents_end_somewhere_and_withdrawing_does_not(
    ann: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consents, "MOST_CONSENTS", 2)
    for version in ("1", "2"):
        await ann.do("consentGive", kind="DATA_SHARING", textVersion=version)

    refused = await ann.do("consentGive", kind="DATA_SHARING", textVersion="3")

    assert codes_of(refused) == ["INVALID_INPUT"]
    withdrawn = await ann.do("consentWithdraw", kind="DATA_SHARING")
    assert withdrawn["consent"]["isGiven"] is False


@pytest.mark.parametrize(
    "change", ["UPDATE customer_consent SET is_given = false", "DELETE FROM customer_consent"]
)
async def test_a_consent_cannot_be_altered(
    ann: Customer, database_admin: asyncpg.Connection, change: str
) -> None:
    await ann.do("consentGive", kind="DATA_SHARING", textVersion="1")

    with pytest.raises(asyncpg.RestrictViolationError):
        await database_admin.execute(change)

    assert (await CustomerConsent.get()).is_given is True


# Mails


async def test_mails_are_chosen_by_kind(ann: Customer) -> None:
    before = (await ann.me("notificationChoices { kind isOn isMandatory changedAt }"))[
        "notificationChoices"
    ]
    assert [(c["kind"], c["isOn"], c["isMandatory"]) for c in before] == [
        ("ORDERS", True, True),
        ("SECURITY", True, True),
        ("CAMPAIGN_OPENINGS", True, False),
        ("NEWS", False, False),
    ]
    assert {c["changedAt"] for c in before} == {None}

    chosen = await ann.do("notificationChoiceSet", kind="CAMPAIGN_OPENINGS", isOn=False)

    assert chosen["choice"] == {
        "kind": "CAMPAIGN_OPENINGS",
        "isOn": False,
        "isMandatory": False,
        "changedAt": "2026-03-01T12:00:00Z",
    }
    await ann.do("notificationChoiceSet", kind="NEWS", isOn=True)
    found = await ann.me("notificationChoices { isOn }")
    assert [c["isOn"] for c in found["notificationChoices"]] == [True, True, False, True]


async def test_mails_of_the_contract_cannot_be_turned_off(ann: Customer) -> None:
    for kind in ("ORDERS", "SECURITY"):
        refused = await ann.do("notificationChoiceSet", kind=kind, isOn=False)
        assert codes_of(refused) == ["NOTIFICATION_MANDATORY"]
        assert refused["userErrors"][0]["field"] == ["isOn"]
        assert codes_of(await ann.do("notificationChoiceSet", kind=kind, isOn=True)) == []
    assert await CustomerMailChoice.all().count() == 0


async def test_who_writes_mails_asks_who_wants_none(ann: Customer, storefront: Storefront) -> None:
    bob = await signed_in(storefront, "bob@example.com")
    await ann.do("notificationChoiceSet", kind="CAMPAIGN_OPENINGS", isOn=False)
    await bob.do("notificationChoiceSet", kind="NEWS", isOn=True)
    shop, other = storefront.shop, await make_shop("other-shop")
    everybody = [EMAIL, "bob@example.com", "stranger@example.com"]

    @shielded
    async def opted_out(shop_id: Any, kind: NotificationKind) -> set[str]:
        async with unit_of_work() as work:
            return set(await find_opted_out(work, shop_id, everybody, kind))

    assert await opted_out(shop.id, NotificationKind.CAMPAIGN_OPENINGS) == {EMAIL}
    assert await opted_out(shop.id, NotificationKind.NEWS) == {EMAIL, "stranger@example.com"}
    assert await opted_out(other.id, NotificationKind.CAMPAIGN_OPENINGS) == set()
    assert await opted_out(shop.id, NotificationKind.ORDERS) == set()
