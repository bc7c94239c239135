"""A campaign as one immutable value: what orders are priced from and storefronts are shown.

Snapshots are cached in the process for a moment. A stale one cannot do harm: placing an order
names the ``version`` it was priced from, and the database refuses another.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from headless_presale.campaigns.rules import CancelPolicy, PaymentPlan, tiers_from_json
from headless_presale.campaigns.states import CampaignStatus, status_at
from headless_presale.campaigns.together import ReadTogether
from headless_presale.catalog import OPTION_VALUE_PREFIX
from headless_presale.kernel import clock
from headless_presale.kernel.freshness import note_read
from headless_presale.kernel.ids import read_id
from headless_presale.kernel.locales import pick
from headless_presale.kernel.money import Money
from headless_presale.kernel.reading import read_rows
from headless_presale.kernel.single_flight import SingleFlight
from headless_presale.kernel.unit_of_work import UnitOfWork, find_current_work
from headless_presale.pricing import PriceTiers, QuotedPrice, quote

CACHE_SECONDS = 1.0
TITLE_SEPARATOR = " · "


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSnapshot:
    """A wave: its number range, how many slots it has of that range, and its promised date."""

    id: UUID
    first_number: int
    last_number: int
    capacity: int
    ships_by: date


@dataclass(frozen=True, slots=True)
class TitlePart:
    """A product's title or one of its option values: as written, and in other languages."""

    text: str
    translations: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSnapshot:
    """An item with its price rules and promises.

    Attributes:
        title_parts: the product's title and the variant's option values, in this order.
        written_in: the shop's own language, which the parts are written in.
        capacity: slots of all batches.
    """

    id: UUID
    position: int
    pool_id: UUID
    variant_id: UUID
    product_id: UUID
    title_parts: tuple[TitlePart, ...]
    written_in: str
    price: Money
    list_price: Money
    tiers: PriceTiers
    limit_per_customer: int | None
    batches: tuple[BatchSnapshot, ...]
    # Asked for several times by each field that depends on what is left.
    capacity: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "capacity", sum(batch.capacity for batch in self.batches))

    def title(self, locale: str) -> str:
        """Return what the item is called in a language, as far as it is translated."""
        return TITLE_SEPARATOR.join(
            pick(part.translations, locale, {"text": part.text}, fallback_locale=self.written_in)[
                "text"
            ]
            for part in self.title_parts
        )

    def ships_by(self, numbers: Sequence[int]) -> date | None:
        """Return the latest promise among these slots: the date the whole line ships by."""
        promised = [
            batch.ships_by
            for batch in self.batches
            if any(batch.first_number <= n <= batch.last_number for n in numbers)
        ]
        return max(promised, default=None)

    def next_number(self, slots_left: int) -> int:
        """Return the slot number the next buyer is quoted for: the number sold, plus one.

        Exact while slots are sold in order. A returned number is sold again first and may lie in a
        cheaper tier; the order itself is priced by the numbers it gets, and a buyer who names the
        total that he was shown is charged no other. When nothing is left it is the last number.
        """
        return max(1, min(self.capacity - slots_left + 1, self.capacity))

    def quote(self, *, opens_at: datetime, at: datetime, number: int) -> QuotedPrice:
        """Return the price of one slot of this item."""
        return quote(self.price, self.tiers, opens_at=opens_at, at=at, number=number)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsSnapshot:
    """One version of the terms."""

    version: int
    ships_by: date | None
    refund_policy: dict[str, str]
    cancel_conditions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSnapshot:
    """A campaign, its items and its current terms, as of one ``version``."""

    id: UUID
    shop_id: UUID
    handle: str
    title: str
    story: str
    translations: dict[str, dict[str, str]]
    currency: str
    recorded_status: CampaignStatus
    is_published: bool
    opens_at: datetime
    closes_at: datetime
    payment_plan: PaymentPlan
    cancel_policy: CancelPolicy
    hold_seconds: int
    version: int
    terms: TermsSnapshot | None
    items: tuple[ItemSnapshot, ...]

    def status(self, at: datetime) -> CampaignStatus:
        """Return the status that holds at a moment."""
        return status_at(
            self.recorded_status, opens_at=self.opens_at, closes_at=self.closes_at, at=at
        )

    def texts(self, locale: str, *, default_locale: str) -> dict[str, str]:
        """Return ``title`` and ``story`` in the best language there is.

        Args:
            default_locale: the shop's, in which the campaign itself is written.
        """
        own = {"title": self.title, "story": self.story}
        return pick(self.translations, locale, own, fallback_locale=default_locale)

    def item(self, item_id: UUID) -> ItemSnapshot | None:
        """Return one of its items."""
        return next((item for item in self.items if item.id == item_id), None)


_SELECT = f"""
SELECT c.id, c.shop_id, c.handle, c.title, c.story, c.translations, c.currency, c.status,
       c.published_at, c.opens_at, c.closes_at, c.payment_plan, c.cancel_policy,
       c.hold_seconds, c.version,
       (SELECT json_build_object('version', t.version, 'ships_by', t.ships_by,
                                 'refund_policy', t.refund_policy,
                                 'cancel_conditions', t.cancel_conditions)
        FROM campaign_terms t WHERE t.campaign_id = c.id AND t.version = c.terms_version) AS terms,
       (SELECT s.default_locale FROM shop s WHERE s.id = c.shop_id) AS written_in,
       (SELECT json_agg(json_build_object(
            'id', i.id, 'position', i.position, 'pool_id', i.pool_id,
            'variant_id', i.variant_id, 'product_id', v.product_id,
            'title', p.title,
            'titles', (SELECT json_object_agg(
                t.key, json_build_object('text', t.value ->> 'title'))
                FROM jsonb_each(p.translations) t WHERE t.value ? 'title'),
            'values', (SELECT json_agg(json_build_object('text', x.value, 'translations', (
                SELECT json_object_agg(t.key, json_build_object('text', t.value ->> x.key))
                FROM product_option o, jsonb_each(o.translations) t
                WHERE o.product_id = p.id AND o.position = x.position AND t.value ? x.key
                )) ORDER BY x.position)
                FROM (SELECT value, '{OPTION_VALUE_PREFIX}' || value AS key, position
                      FROM unnest(v.option_values) WITH ORDINALITY u(value, position)) x),
            'price_minor', i.price_minor, 'list_price_minor', i.list_price_minor,
            'tiers', i.price_tiers, 'limit', i.limit_per_customer,
            'batches', (SELECT json_agg(json_build_object(
                'id', b.id, 'first', b.first_number, 'last', b.last_number,
                'capacity', b.capacity,
                'ships_by', b.ships_by) ORDER BY b.position)
                FROM production_batch b WHERE b.item_id = i.id)) ORDER BY i.position)
        FROM campaign_item i
        JOIN product_variant v ON v.id = i.variant_id
        JOIN product p ON p.id = v.product_id
        WHERE i.campaign_id = c.id) AS items
FROM campaign c
"""


def _read(row: asyncpg.Record) -> CampaignSnapshot:
    terms = orjson.loads(row["terms"]) if row["terms"] else None
    return CampaignSnapshot(
        id=row["id"],
        shop_id=row["shop_id"],
        handle=row["handle"],
        title=row["title"],
        story=row["story"],
        translations=orjson.loads(row["translations"]),
        currency=row["currency"],
        recorded_status=CampaignStatus(row["status"]),
        is_published=row["published_at"] is not None,
        opens_at=row["opens_at"],
        closes_at=row["closes_at"],
        payment_plan=PaymentPlan.from_json(orjson.loads(row["payment_plan"])),
        cancel_policy=CancelPolicy.from_json(orjson.loads(row["cancel_policy"])),
        hold_seconds=row["hold_seconds"],
        version=row["version"],
        terms=TermsSnapshot(
            version=terms["version"],
            ships_by=date.fromisoformat(terms["ships_by"]) if terms["ships_by"] else None,
            refund_policy=terms["refund_policy"],
            cancel_conditions=terms["cancel_conditions"],
        )
        if terms
        else None,
        items=tuple(
            _read_item(item, row["currency"], row["written_in"])
            for item in orjson.loads(row["items"] or "[]")
        ),
    )


def _read_item(data: dict[str, Any], currency: str, written_in: str) -> ItemSnapshot:
    return ItemSnapshot(
        id=read_id(data["id"]),
        position=data["position"],
        pool_id=read_id(data["pool_id"]),
        variant_id=read_id(data["variant_id"]),
        product_id=read_id(data["product_id"]),
        title_parts=(
            TitlePart(data["title"], data["titles"] or {}),
            *(TitlePart(v["text"], v["translations"] or {}) for v in data["values"] or []),
        ),
        written_in=written_in,
        price=Money(data["price_minor"], currency),
        list_price=Money(data["list_price_minor"], currency),
        tiers=tiers_from_json(data["tiers"]),
        limit_per_customer=data["limit"],
        batches=tuple(
            BatchSnapshot(
                id=read_id(batch["id"]),
                first_number=batch["first"],
                last_number=batch["last"],
                capacity=batch["capacity"],
                ships_by=date.fromisoformat(batch["ships_by"]),
            )
            for batch in data["batches"] or []
        ),
    )


async def read_snapshots(work: UnitOfWork, where: str, *args: object) -> list[CampaignSnapshot]:
    """Read snapshots by a condition over ``c`` (the campaign), within a transaction."""
    return [_read(row) for row in await work.fetch(f"{_SELECT} {where}", *args)]


_by_id: dict[UUID, tuple[float, CampaignSnapshot]] = {}
_at_handle: dict[tuple[UUID, str], UUID] = {}
_campaign_of_item: dict[UUID, UUID] = {}
_reading: SingleFlight[UUID, CampaignSnapshot | None] = SingleFlight()
_forgotten_at: dict[UUID, float] = {}
_all_forgotten_at = 0.0
MOST_REMEMBERED = 10_000


def forget(campaign_id: UUID) -> None:
    """Drop a cached snapshot: the campaign has changed."""
    if len(_forgotten_at) >= MOST_REMEMBERED:
        forget_all()
    _by_id.pop(campaign_id, None)
    _forgotten_at[campaign_id] = time.monotonic()
    _reading.forget(campaign_id)


def forget_all() -> None:
    """Drop every cached snapshot."""
    global _all_forgotten_at
    _all_forgotten_at = time.monotonic()
    _forgotten_at.clear()
    _by_id.clear()
    _reading.clear()
    _at_handle.clear()
    _campaign_of_item.clear()


async def find_snapshot(campaign_id: UUID, *, fresh: bool = False) -> CampaignSnapshot | None:
    """Return a campaign, at most a second old unless ``fresh``; None if there is none."""
    if not fresh and (known := _remembered(campaign_id)) is not None:
        return known
    if find_current_work() is not None:
        # What a transaction asks for is read in it, as it has it, and for nobody else.
        found = await _fetch("WHERE c.id = $1", campaign_id)
        return found[0] if found else None
    if fresh:
        return await _together.find(campaign_id)
    return await _reading.get(campaign_id, partial(_together.find, campaign_id))


async def _fetch_all(ids: Collection[UUID]) -> dict[UUID, CampaignSnapshot]:
    return {one.id: one for one in await _fetch("WHERE c.id = ANY($1::uuid[])", list(ids))}


_together = ReadTogether(_fetch_all)


async def find_snapshot_at(shop_id: UUID, handle: str) -> CampaignSnapshot | None:
    """Return a shop's campaign by its handle, at most a second old; None if there is none."""
    known = _remembered(_at_handle.get((shop_id, handle)))
    if known is not None and known.handle == handle:
        return known
    found = await _fetch("WHERE c.shop_id = $1 AND c.handle = $2", shop_id, handle)
    return found[0] if found else None


State = tuple[int, str]
"""A campaign's version and the status that is recorded, which changes by the clock without one."""


async def find_snapshots(states: Mapping[UUID, State | None]) -> dict[UUID, CampaignSnapshot]:
    """Return campaigns as they are in these states or later; None: each at most a second old.

    What is not remembered so is read in one statement; what does not exist is left out.
    """
    found: dict[UUID, CampaignSnapshot] = {}
    for campaign_id, state in states.items():
        known = _remembered(campaign_id)
        if known is not None and (state is None or _is_of(known, *state)):
            found[campaign_id] = known
    if missing := [campaign_id for campaign_id in states if campaign_id not in found]:
        found.update(await _together.find_all(missing))
    return found


def _is_of(campaign: CampaignSnapshot, version: int, status: str) -> bool:
    is_later = campaign.version > version
    return is_later or (campaign.version == version and campaign.recorded_status == status)


async def find_snapshots_of_items(
    item_ids: Sequence[UUID], *, fresh: bool = False
) -> dict[UUID, CampaignSnapshot]:
    """Return the campaign of each item; items that do not exist are left out."""
    unknown = [item_id for item_id in item_ids if item_id not in _campaign_of_item]
    if unknown:
        await _fetch(
            "WHERE c.id IN (SELECT campaign_id FROM campaign_item WHERE id = ANY($1::uuid[]))",
            unknown,
        )
    result: dict[UUID, CampaignSnapshot] = {}
    for item_id in item_ids:
        campaign_id = _campaign_of_item.get(item_id)
        known = await find_snapshot(campaign_id, fresh=fresh) if campaign_id else None
        if known is not None:
            result[item_id] = known
    return result


def _remember(campaign: CampaignSnapshot, read_at: float) -> CampaignSnapshot:
    if len(_by_id) > MOST_REMEMBERED:
        forget_all()
    known = _by_id.get(campaign.id)
    # Else this was read before a change that another reader has seen, or somebody was told of.
    is_newest = known is None or known[1].version <= campaign.version
    if is_newest and read_at >= _forgotten_at.get(campaign.id, _all_forgotten_at):
        _by_id[campaign.id] = (read_at, campaign)
    _at_handle[campaign.shop_id, campaign.handle] = campaign.id
    for item in campaign.items:
        _campaign_of_item[item.id] = campaign.id
    return campaign


def _remembered(campaign_id: UUID | None) -> CampaignSnapshot | None:
    known = None if campaign_id is None else _by_id.get(campaign_id)
    if known is None or time.monotonic() - known[0] >= CACHE_SECONDS:
        return None
    note_read(known[0])
    return known[1]


async def _fetch(where: str, *args: object) -> list[CampaignSnapshot]:
    read_at = time.monotonic()
    rows = await read_rows(f"{_SELECT} {where}", *args)
    return [_remember(_read(row), read_at) for row in rows]


def is_sellable(campaign: CampaignSnapshot) -> bool:
    """Tell whether the campaign takes orders at this moment."""
    return campaign.status(clock.now()) is CampaignStatus.LIVE
