"""What is a customer's own: each change is there, once, or is not."""

from typing import Any
from uuid import UUID

from headless_presale.customers import (
    AddressEntry,
    ConsentKind,
    ConsentSource,
    CustomerPrincipal,
    NotificationKind,
    add_address,
    change_address,
    choose_mail,
    give_consent,
    remove_address,
    set_default_address,
)
from headless_presale.customers.models import (
    CustomerAddress,
    CustomerConsent,
    CustomerMailChoice,
)
from headless_presale.kernel.errors import DomainError
from headless_presale.kernel.postal import Address
from tests.failpoints.customers import as_a_customer
from tests.failpoints.world import Scenario, World

HOME = AddressEntry(
    name="Ann", phone=None, address=Address(country="CN", city="Wuxi", line1="1 Road")
)
WORK = AddressEntry(
    name="Ann", phone=None, address=Address(country="CN", city="Suzhou", line1="2 Road")
)

Asked = tuple[CustomerPrincipal, UUID]


async def _add(principal: CustomerPrincipal) -> object:
    return await add_address(principal, HOME, is_default=True)


async def _has_one_default(world: World, _: object) -> None:
    # Adding has no key: who asks again after no answer may have it twice, and sees it.
    assert 1 <= await CustomerAddress.all().count() <= 2


async def _with_an_address(world: World) -> Asked:
    principal = await as_a_customer(world)
    saved = await add_address(principal, HOME, is_default=True)
    await add_address(principal, WORK, is_default=True)
    return principal, saved.row.id


async def _change(asked: Asked) -> object:
    try:
        return await change_address(*asked, WORK, version=1)
    except DomainError as refused:
        return refused


async def _is_changed(world: World, asked: Asked) -> None:
    row = await CustomerAddress.get(id=asked[1])
    assert (row.city, row.version) == ("Suzhou", 2)


async def _remove(asked: Asked) -> object:
    try:
        return await remove_address(*asked)
    except DomainError as refused:
        return refused


async def _is_removed(world: World, asked: Asked) -> None:
    assert [row.city for row in await CustomerAddress.all()] == ["Suzhou"]


async def _prefer(asked: Asked) -> object:
    return await set_default_address(*asked)


async def _is_preferred(world: World, asked: Asked) -> None:
    assert (await CustomerAddress.get(id=asked[1])).preferred_at is not None


async def _consent(principal: CustomerPrincipal) -> object:
    return await give_consent(
        principal,
        ConsentKind.DATA_SHARING,
        text_version="1",
        source=ConsentSource.ACCOUNT,
        locale="en",
    )


async def _is_given_once(world: World, _: Any) -> None:
    assert (await CustomerConsent.get()).is_given is True


async def _choose(principal: CustomerPrincipal) -> object:
    return await choose_mail(principal, NotificationKind.NEWS, is_on=True)


async def _is_chosen(world: World, _: Any) -> None:
    assert (await CustomerMailChoice.get()).is_on is True


SCENARIOS = [
    Scenario("adding an address", as_a_customer, _add, _has_one_default),
    Scenario("changing an address", _with_an_address, _change, _is_changed),
    Scenario("removing an address", _with_an_address, _remove, _is_removed),
    Scenario("choosing an address", _with_an_address, _prefer, _is_preferred),
    Scenario("consenting", as_a_customer, _consent, _is_given_once),
    Scenario("choosing mails", as_a_customer, _choose, _is_chosen),
]
