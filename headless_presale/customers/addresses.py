"""The address book of a customer: at most twenty, one of them the default.

A change carries the version it read. Of two that choose the default the later counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headless_presale.customers.errors import AddressNotFound
from headless_presale.customers.models import CustomerAddress
from headless_presale.customers.profile import lock_customer
from headless_presale.customers.sessions import CustomerPrincipal
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.kernel.failpoints import reach
from headless_presale.kernel.ids import new_id
from headless_presale.kernel.postal import Address
from headless_presale.kernel.texts import check_text
from headless_presale.kernel.unit_of_work import shielded, unit_of_work
from headless_presale.kernel.versions import check_version

MOST_ADDRESSES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressEntry:
    """Who receives it, and where: 1 to 200 characters, at most 40, and an order's address."""

    name: str
    phone: str | None
    address: Address

    def columns(self) -> dict[str, Any]:
        """Return what is stored.

        Raises:
            InvalidInput: a part of it cannot be kept, or is missing.
        """
        check_text(self.name, ("name",), longest=200)
        if self.phone:
            check_text(self.phone, ("phone",), longest=40)
        address = self.address.checked(("address",))
        return {"name": self.name.strip(), "phone": self.phone or None, **address.to_json()}


@dataclass(frozen=True, slots=True)
class SavedAddress:
    """An address and whether it is the default."""

    row: CustomerAddress
    is_default: bool


@shielded
async def list_addresses(customer_id: UUID) -> list[SavedAddress]:
    """Return the address book: the default first, then the newest."""
    async with unit_of_work():
        return await _list(customer_id)


async def _list(customer_id: UUID) -> list[SavedAddress]:
    rows = await CustomerAddress.filter(customer_id=customer_id).order_by("-id")
    default = max(
        (row for row in rows if row.preferred_at is not None),
        key=lambda row: (row.preferred_at, row.id),
        default=None,
    )
    listed = sorted(rows, key=lambda row: row is not default)
    return [SavedAddress(row, row is default) for row in listed]


@shielded
async def add_address(
    principal: CustomerPrincipal, entry: AddressEntry, *, is_default: bool
) -> SavedAddress:
    """Add an address; the first is the default.

    Raises:
        InvalidInput: it cannot be one, or there are twenty.
        SessionEnded: see ``lock_customer``.
    """
    columns = entry.columns()
    async with unit_of_work() as work:
        await lock_customer(work, principal)
        known = await _list(principal.customer.id)
        if len(known) >= MOST_ADDRESSES:
            raise InvalidInput(reason="at most {most} addresses", most=MOST_ADDRESSES)
        is_default = is_default or not known
        row = await CustomerAddress.create(
            id=new_id(),
            customer_id=principal.customer.id,
            **columns,
            preferred_at=clock.now() if is_default else None,
            created_at=clock.now(),
            updated_at=clock.now(),
        )
        reach("customers.address_added")
    return SavedAddress(row, is_default)


@shielded
async def change_address(
    principal: CustomerPrincipal, address_id: UUID, entry: AddressEntry, *, version: int
) -> SavedAddress:
    """Replace an address by another.

    Raises:
        AddressNotFound: he has none of this id.
        InvalidInput, SessionEnded: as for ``add_address``.
        VersionConflict: it has changed since it was read.
    """
    columns = entry.columns()
    async with unit_of_work() as work:
        await lock_customer(work, principal)
        saved = _pick(await _list(principal.customer.id), address_id)
        row = saved.row
        check_version(
            expected=version,
            current=row.version,
            yours=columns,
            stored={name: getattr(row, name) for name in columns},
        )
        row.update_from_dict({**columns, "version": row.version + 1, "updated_at": clock.now()})
        await row.save()
        reach("customers.address_changed")
    return saved


@shielded
async def remove_address(principal: CustomerPrincipal, address_id: UUID) -> UUID:
    """Take an address out; where it was the default, the one preferred before it is.

    Orders that went there keep it.

    Raises:
        AddressNotFound: he has none of this id.
        SessionEnded: see ``lock_customer``.
    """
    async with unit_of_work() as work:
        await lock_customer(work, principal)
        saved = await _list(principal.customer.id)
        gone = _pick(saved, address_id)
        await gone.row.delete()
        reach("customers.address_removed")
    return address_id


@shielded
async def set_default_address(principal: CustomerPrincipal, address_id: UUID) -> SavedAddress:
    """Make an address the default. Safe to repeat; of two the later counts.

    Raises:
        AddressNotFound: he has none of this id.
        SessionEnded: see ``lock_customer``.
    """
    async with unit_of_work() as work:
        await lock_customer(work, principal)
        saved = _pick(await _list(principal.customer.id), address_id)
        saved.row.preferred_at = clock.now()
        await saved.row.save(update_fields=["preferred_at"])
        reach("customers.address_preferred")
    return SavedAddress(saved.row, is_default=True)


def _pick(saved: Sequence[SavedAddress], address_id: UUID) -> SavedAddress:
    for address in saved:
        if address.row.id == address_id:
            return address
    raise AddressNotFound(field=("address_id",))
