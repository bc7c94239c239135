"""What people and systems send of products, field by field: the value as it is stored, or why not.

Texts lose outer space. A value that is wrong names its field; nothing is cut or guessed.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from headless_presale.catalog.cells import INT4_MAX, WEIGHT_UNITS
from headless_presale.catalog.rules import (
    MAX_ALT_LENGTH,
    MAX_AT_ONCE,
    MAX_DESCRIPTION_LENGTH,
    MAX_OPTION_VALUES_BYTES,
    MAX_TAGS,
    MAX_TEXT_LENGTH,
    MAX_URL_BYTES,
    is_handle,
    is_web_address,
    sanitise_html,
)
from headless_presale.kernel.errors import DomainError, InvalidInput
from headless_presale.kernel.money import MAX_AMOUNT_MINOR
from headless_presale.kernel.texts import check_text, is_storable

Field = tuple[str, ...]
Reader = Callable[[Any, Field], object]


def read_text(
    text: str | None, field: Field, *, longest: int = MAX_TEXT_LENGTH, is_required: bool = False
) -> str:
    """Return a text without outer space.

    Raises:
        InvalidInput: it is too long, cannot be stored, or is empty where it may not be.
    """
    text = (text or "").strip()
    check_text(text, field, longest=longest, is_required=is_required)
    return text


def read_title(text: str | None, field: Field) -> str:
    """Return a title, a name or a value that has to be there."""
    return read_text(text, field, is_required=True)


def read_long_text(text: str | None, field: Field) -> str:
    """Return a text as long as a description."""
    return read_text(text, field, longest=MAX_DESCRIPTION_LENGTH)


def read_html(text: str | None, field: Field) -> str:
    """Return the harmless part of a description."""
    return sanitise_html(read_long_text(text, field))


def read_handle(text: str | None, field: Field) -> str:
    """Return a product's address within its shop."""
    handle = read_title(text, field)
    if not is_handle(handle):
        raise InvalidInput(reason="this cannot be part of an address", field=field)
    return handle


def read_tags(tags: Sequence[str] | None, field: Field) -> list[str]:
    """Return tags, each once, in order."""
    read = [read_title(tag, (*field, str(n))) for n, tag in enumerate(tags or ())]
    found = list(dict.fromkeys(read))
    if len(found) > MAX_TAGS:
        raise InvalidInput(reason="at most {most} tags", most=MAX_TAGS, field=field)
    if any("," in tag for tag in found):
        # Product files put commas between them.
        raise InvalidInput(reason="a tag has no comma in it", field=field)
    return found


def read_flag(value: bool | None, field: Field) -> bool:
    """Return a truth value."""
    if value is None:
        raise InvalidInput(reason="must not be empty", field=field)
    return value


def read_price(minor: int | None, field: Field) -> int:
    """Return a price in minor units."""
    if minor is None:
        raise InvalidInput(reason="must not be empty", field=field)
    return _within(minor, 0, MAX_AMOUNT_MINOR, field)


def read_optional_price(minor: int | None, field: Field) -> int | None:
    """Return a former price in minor units; 0 is none."""
    return read_price(minor, field) or None if minor is not None else None


def read_sku(text: str | None, field: Field) -> str | None:
    """Return a SKU; an empty one is none."""
    return read_text(text, field) or None


def read_weight(grams: int | None, field: Field) -> int | None:
    """Return a weight in grams."""
    return _within(grams, 0, INT4_MAX, field) if grams is not None else None


def read_weight_unit(unit: str | None, field: Field) -> str:
    """Return the unit in which a weight is shown, or an empty text."""
    if unit and unit not in WEIGHT_UNITS:
        raise InvalidInput(reason="a weight is shown in g, kg, lb or oz", field=field)
    return unit or ""


def read_stock(number: int | None, field: Field) -> int | None:
    """Return the physical stock; below zero where more was sold than there was."""
    return _within(number, -INT4_MAX, INT4_MAX, field) if number is not None else None


def read_alt(text: str | None, field: Field) -> str:
    """Return what a picture shows."""
    return read_text(text, field, longest=MAX_ALT_LENGTH)


def read_url(url: str, field: Field) -> str:
    """Return the address of a picture that lies elsewhere."""
    url = url.strip()
    if len(url.encode("utf-8", "surrogatepass")) > MAX_URL_BYTES:
        raise InvalidInput(
            reason="an address has at most {most} bytes", most=MAX_URL_BYTES, field=field
        )
    if not is_storable(url) or any(c.isspace() or not c.isprintable() for c in url):
        raise InvalidInput(reason="must not contain spaces or control characters", field=field)
    try:
        is_usable = is_web_address(url)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise InvalidInput(reason="this is not an http or https address", field=field)
    return url


def read_option_values(values: Sequence[str] | None, count: int, field: Field) -> list[str]:
    """Return one value for each of a product's options, in their order."""
    given = list(values or ())
    if len(given) != count:
        raise InvalidInput(
            reason="a variant has one value for each option of its product: {count}",
            count=count,
            field=field,
        )
    read = [read_title(value, (*field, str(n))) for n, value in enumerate(given)]
    if len("".join(read).encode()) > MAX_OPTION_VALUES_BYTES:
        raise InvalidInput(
            reason="option values have at most {most} bytes together",
            most=MAX_OPTION_VALUES_BYTES,
            field=field,
        )
    return read


def _within(number: int, lowest: int, highest: int, field: Field) -> int:
    if not lowest <= number <= highest:
        raise InvalidInput(
            reason="the number must be within {lowest} and {highest}",
            lowest=lowest,
            highest=highest,
            field=field,
        )
    return number


PRODUCT_READERS: Mapping[str, Reader] = {
    "handle": read_handle,
    "title": read_title,
    "description_html": read_html,
    "vendor": read_text,
    "product_type": read_text,
    "tags": read_tags,
    "is_published": read_flag,
    "seo_title": read_text,
    "seo_description": read_long_text,
}
VARIANT_READERS: Mapping[str, Reader] = {
    "sku": read_sku,
    "price_minor": read_price,
    "compare_at_minor": read_optional_price,
    "barcode": read_text,
    "weight_grams": read_weight,
    "weight_unit": read_weight_unit,
    "is_shippable": read_flag,
    "is_taxable": read_flag,
    "stock_on_hand": read_stock,
}
TEXT_READERS: Mapping[str, Reader] = {
    "title": read_text,
    "description_html": read_html,
    "seo_title": read_text,
    "seo_description": read_long_text,
}
"""The texts of a product that can be translated; an empty one takes its translation out."""


def read_fields(
    given: Mapping[str, Any],
    readers: Mapping[str, Reader],
    at: Field = (),
    *,
    but: Collection[str] = (),
) -> dict[str, Any]:
    """Return what was given, read; what was not given is not in it.

    Args:
        at: where in the input it stands.
        but: names that are read elsewhere.

    Raises:
        InvalidInput: a value cannot be used; ``field`` names it.
    """
    return {
        name: readers[name](value, (*at, name)) for name, value in given.items() if name not in but
    }


def check_count(ids: Sequence[UUID], field: Field) -> None:
    """Refuse to change nothing, too much at once, or one thing twice.

    Raises:
        InvalidInput: it is so.
    """
    if not 1 <= len(ids) <= MAX_AT_ONCE:
        raise InvalidInput(
            reason="the quantity must be within 1 and {most}", most=MAX_AT_ONCE, field=field
        )
    if len(set(ids)) != len(ids):
        raise InvalidInput(reason="one of them is named twice", field=field)


@contextmanager
def at_field(field: Field) -> Iterator[None]:
    """Say of a refusal where in a longer input its cause stands."""
    try:
        yield
    except DomainError as error:
        error.field = field
        raise
