"""What an import has to write: drafts against what is stored, pure.

Nothing is planned for what is equal, so a second import of a file plans nothing at all.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from headless_presale.catalog.drafts import ImageDraft, ProductDraft, VariantDraft
from headless_presale.catalog.product_plan import (
    PRODUCT_FIELDS,
    VARIANT_FIELDS,
    ProductPlan,
    StoredProduct,
    StoredRow,
)
from headless_presale.catalog.reasons import Reason
from headless_presale.kernel.errors import PresaleError
from headless_presale.kernel.ids import new_id

ALWAYS_DECIDED = frozenset({"position", "currency"})
"""Variant fields that no column holds: the order of the rows and the shop's currency."""


class Conflict(PresaleError):
    """The draft contradicts what is stored; ``line`` is the row at fault."""

    def __init__(self, line: int, template: str, /, **params: object) -> None:
        self.line = line
        self.reason = Reason(template, **params)
        super().__init__(self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingVariant:
    """A stored variant of a product in the file that the file does not name. It is kept."""

    handle: str
    sku: str | None
    option_values: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class ImportPlan(ProductPlan):
    """The same, with what the file does not name."""

    missing_from_file: list[MissingVariant] = field(default_factory=list)


def plan_product(
    draft: ProductDraft,
    stored: StoredProduct | None,
    *,
    decided: AbstractSet[str],
    shop_id: UUID,
    currency: str,
    now: datetime,
) -> ImportPlan:
    """Compare a draft with what is stored and return what to write.

    Args:
        decided: what the file's columns decide; the rest keeps its stored value.

    Raises:
        Conflict: the draft cannot be brought together with what is stored.
    """
    plan = ImportPlan(product_id=stored.id if stored else new_id(), is_new=stored is None)
    values = {name: _plain(getattr(draft, name)) for name in PRODUCT_FIELDS}
    if stored is None:
        plan.products.inserts.append(
            {
                **values,
                "id": plan.product_id,
                "shop_id": shop_id,
                "handle": draft.handle,
                "translations": {},
                "version": 1,
                "created_at": now,
                "updated_at": now,
            }
        )
        stored = StoredProduct(id=plan.product_id, values=values)
    else:
        wanted = {name: value for name, value in values.items() if name in decided}
        plan.products.patch(stored, wanted)
    media_ids = _plan_media(plan, draft.images, stored, decided)
    left = _plan_variants(plan, draft, stored, decided, currency, media_ids, now)
    if "options" in decided:
        _plan_options(plan, draft.options, stored, has_left=bool(left))
    if not draft.has_failed_rows:
        plan.missing_from_file += [
            MissingVariant(
                handle=draft.handle,
                sku=variant.values["sku"],
                option_values=tuple(variant.values["option_values"]),
            )
            for variant in left
        ]
    plan.raise_version(stored, now)
    return plan


def _plain(value: object) -> object:
    """Return a value as the database gives it back, so that the two compare."""
    return list(value) if isinstance(value, tuple) else value


def _plan_options(
    plan: ProductPlan, names: Sequence[str], stored: StoredProduct, *, has_left: bool
) -> None:
    for position, name in enumerate(names, start=1):
        option = stored.options.get(position)
        if option is None:
            plan.add_option(position, name)
        else:
            plan.options.patch(option, {"name": name})
    # Variants that stay behind with more values than the file has options still need the names.
    if not has_left:
        plan.stale_options += [
            option.id for position, option in stored.options.items() if position > len(names)
        ]


def _plan_media(
    plan: ProductPlan,
    images: Sequence[ImageDraft],
    stored: StoredProduct,
    decided: AbstractSet[str],
) -> dict[str, UUID]:
    """Plan the pictures and return their ids by address. Stored ones that are not here stay."""
    ids: dict[str, UUID] = {}
    is_ordered = "media_position" in decided
    first = 1 if is_ordered else 1 + len(stored.media)
    for position, image in enumerate(images, start=first):
        media = stored.media.get(image.url)
        if media is not None:
            ids[image.url] = media.id
            wanted: dict[str, object] = {"position": position} if is_ordered else {}
            if image.alt is not None and "media_alt" in decided:
                wanted["alt"] = image.alt
            plan.media.patch(media, wanted)
            continue
        ids[image.url] = new_id()
        plan.media.inserts.append(
            {
                "id": ids[image.url],
                "product_id": plan.product_id,
                "url": image.url,
                "alt": image.alt or "",
                "position": position,
            }
        )
    return ids


def _plan_variants(
    plan: ProductPlan,
    draft: ProductDraft,
    stored: StoredProduct,
    decided: AbstractSet[str],
    currency: str,
    media_ids: Mapping[str, UUID],
    now: datetime,
) -> list[StoredRow]:
    """Plan the variants and return the stored ones that the file does not name."""
    fields = decided | ALWAYS_DECIDED
    matches, left = match_variants(draft.variants, stored.variants)
    moves: list[tuple[VariantDraft, StoredRow | None]] = []
    for variant in draft.variants:
        before = matches.get(variant.line)
        if before is None and stored.options and "option_values" not in decided:
            raise Conflict(
                variant.line, "the variant is new, and the file has no columns for its options"
            )
        values = {
            name: _plain(getattr(variant, name))
            for name in VARIANT_FIELDS
            if name not in ("currency", "media_id")
        }
        values["currency"] = currency
        values["media_id"] = None if variant.image_url is None else media_ids[variant.image_url]
        if before is None:
            plan.variants.inserts.append(
                {
                    **values,
                    "id": new_id(),
                    "product_id": plan.product_id,
                    "created_at": now,
                    "updated_at": now,
                }
            )
        else:
            wanted = {name: value for name, value in values.items() if name in fields}
            plan.variants.patch(before, wanted, updated_at=now)
        moves.append((variant, before))
    if "option_values" in decided:
        plan.parked_variants += _parked(moves, left)
    return left


def match_variants(
    drafts: Sequence[VariantDraft], stored: Sequence[StoredRow]
) -> tuple[dict[int, StoredRow], list[StoredRow]]:
    """Find each draft's stored variant: by SKU where both have it, otherwise by option values.

    SKUs go first for all rows, so that two variants that swapped their option values are
    recognised. A SKU that is new beside option values that are known is a changed SKU.

    Returns:
        Line of the draft -> stored variant, and the stored variants that nothing matched.
    """
    by_sku = {row.values["sku"]: row for row in stored if row.values["sku"] is not None}
    by_values = {tuple(row.values["option_values"]): row for row in stored}
    matches = {
        draft.line: by_sku[draft.sku] for draft in drafts if draft.sku in by_sku and draft.sku
    }
    taken = {row.id for row in matches.values()}
    for draft in drafts:
        row = by_values.get(draft.option_values)
        if draft.line not in matches and row is not None and row.id not in taken:
            matches[draft.line] = row
            taken.add(row.id)
    return matches, [row for row in stored if row.id not in taken]


def _parked(
    moves: Sequence[tuple[VariantDraft, StoredRow | None]], left: Sequence[StoredRow]
) -> list[UUID]:
    """Return the variants whose option values another one takes over in this import.

    Raises:
        Conflict: a variant takes the option values of one that is not in the file.
    """
    kept = {tuple(row.values["option_values"]): row for row in left}
    holders = {
        tuple(before.values["option_values"]): before for _, before in moves if before is not None
    }
    parked = []
    for draft, before in moves:
        if (owner := kept.get(draft.option_values)) is not None:
            shown = " / ".join(draft.option_values) or "no options"
            name = owner.values["sku"] or "without a SKU"
            raise Conflict(
                draft.line,
                "{cell} belongs to the stored variant {name}, which is not in the file",
                cell=repr(shown),
                name=name,
            )
        holder = holders.get(draft.option_values)
        if holder is not None and holder is not before:
            parked.append(holder.id)
    return parked
