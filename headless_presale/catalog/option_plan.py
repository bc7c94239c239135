"""A product's options as they are to be, and what that means for its variants: pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from headless_presale.catalog.errors import ProductOptionNotFound, VariantExists
from headless_presale.catalog.inputs import read_option_values, read_title
from headless_presale.catalog.product_plan import ProductPlan, StoredProduct
from headless_presale.catalog.rules import MAX_OPTIONS
from headless_presale.kernel.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChange:
    """An option as it is to be.

    Attributes:
        option_id: the option it is now; None makes a new one.
        value: what the present variants have of a new option.
    """

    name: str
    option_id: UUID | None = None
    value: str | None = None


def plan_new_options(plan: ProductPlan, names: Sequence[str]) -> None:
    """Plan the options of a new product."""
    for position, name in enumerate(_read_names(names), start=1):
        plan.add_option(position, name)


def plan_options(
    plan: ProductPlan, stored: StoredProduct, changes: Sequence[OptionChange], now: datetime
) -> None:
    """Plan to keep, rename, move, add and remove options.

    The variants follow: what is removed goes from their values, what is new gets ``value``.

    Raises:
        InvalidInput: too many, two alike, or a new one without a value.
        ProductOptionNotFound: the product has no such option.
        VariantExists: without what is removed, two variants would be alike.
    """
    names = _read_names([change.name for change in changes])
    positions = {row.id: position for position, row in stored.options.items()}
    kept: set[UUID] = set()
    sources: list[int | str] = []
    for number, (change, name) in enumerate(zip(changes, names, strict=True)):
        at = ("options", str(number))
        if change.option_id is None:
            sources.append(read_title(change.value, (*at, "value")))
            plan.add_option(number + 1, name)
            continue
        if change.option_id not in positions or change.option_id in kept:
            raise ProductOptionNotFound(field=(*at, "optionId"))
        kept.add(change.option_id)
        position = positions[change.option_id]
        sources.append(position - 1)
        row = stored.options[position]
        plan.options.patch(row, {"position": number + 1, "name": name})
        if position != number + 1:
            plan.parked_options.append(row.id)
    plan.stale_options += [row_id for row_id in positions if row_id not in kept]
    _plan_values(plan, stored, sources, now)


def _plan_values(
    plan: ProductPlan, stored: StoredProduct, sources: Sequence[int | str], now: datetime
) -> None:
    """Give every variant its values in the new order; a number is the place of an old value."""
    seen: set[tuple[str, ...]] = set()
    for row in stored.variants:
        old = row.values["option_values"]
        moved = [
            source if isinstance(source, str) else (old[source] if source < len(old) else "-")
            for source in sources
        ]
        values = read_option_values(moved, len(sources), ("options",))
        if tuple(values) in seen:
            raise VariantExists(field=("options",), values=" / ".join(values) or "-")
        seen.add(tuple(values))
        if values != old:
            plan.variants.patch(row, {"option_values": values}, updated_at=now)
            plan.parked_variants.append(row.id)


def _read_names(names: Sequence[str]) -> list[str]:
    if len(names) > MAX_OPTIONS:
        raise InvalidInput(
            reason="a product has at most {most} options", most=MAX_OPTIONS, field=("options",)
        )
    read: list[str] = []
    for number, name in enumerate(names):
        at = ("options", str(number), "name")
        text = read_title(name, at)
        if text in read:
            raise InvalidInput(reason="two options have the same name", field=at)
        read.append(text)
    return read
