"""One cell of a product file: text in, value out, or the reason why not.

Nothing is guessed. ``1.234,50`` may be a thousand or one: it is refused, and the merchant decides.
"""

import re
from decimal import ROUND_HALF_UP, Decimal

from headless_presale.catalog.reasons import Reason
from headless_presale.catalog.rules import (
    MAX_TAGS,
    MAX_TEXT_LENGTH,
    MAX_URL_BYTES,
    is_handle,
    is_web_address,
)
from headless_presale.kernel.money import MAX_AMOUNT_MINOR, Money, currency_exponent

INT4_MAX = 2**31 - 1
UNDECODED = 0xDC00
"""A byte that could not be decoded stands in the text as this code point plus the byte: half of a
surrogate pair, which no decoded text contains."""
WEIGHT_UNITS = ("g", "kg", "lb", "oz")
STATUSES = ("active", "draft", "archived", "unlisted")

# Digits and one point. Python's own Decimal would also read 1e3, 1_000, NaN and full-width digits;
# the lengths keep its arithmetic exact.
_DECIMAL = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,9})?", re.ASCII)
_INTEGER = re.compile(r"-?[0-9]{1,12}", re.ASCII)
_SPACE_OR_CONTROL = re.compile(r"[\s\x00-\x1f\x7f]")


class BadCell(ValueError):
    """The cell cannot be used; ``reason`` says why."""

    def __init__(self, template: str, /, **params: object) -> None:
        self.reason = Reason(template, **params)
        super().__init__(self.reason)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")


def read_text(text: str, *, max_length: int | None = MAX_TEXT_LENGTH) -> str:
    """Return the text without outer space."""
    for character in text:
        if "\udc00" <= character <= "\udcff":
            byte = ord(character) - UNDECODED
            raise BadCell("byte {byte} is not text in the file's encoding", byte=f"0x{byte:02X}")
        if character == "\0":
            raise BadCell("a NUL character cannot be stored")
    text = text.strip()
    if max_length is not None and len(text) > max_length:
        raise BadCell(
            "{count} characters where at most {most} are allowed", count=len(text), most=max_length
        )
    return text


def read_handle(text: str) -> str:
    """Return a product handle."""
    handle = read_text(text)
    if not handle:
        raise BadCell("missing")
    if not is_handle(handle):
        raise BadCell("{cell} cannot be part of an address", cell=_shown(handle))
    return handle


def read_price(text: str, currency: str) -> int:
    """Return a price in minor units: ``42.99`` CNY is 4299."""
    if text.startswith("-") and _DECIMAL.fullmatch(text):
        raise BadCell("{cell} is negative", cell=_shown(text))
    if not _DECIMAL.fullmatch(text):
        raise BadCell("{cell} is not a plain decimal number such as 1234.50", cell=_shown(text))
    if Decimal(text).scaleb(currency_exponent(currency)) > MAX_AMOUNT_MINOR:
        raise BadCell("{price} is too large", price=text)
    try:
        return Money.from_decimal(text, currency).amount_minor
    except ValueError:
        raise BadCell(
            "{price} has more decimals than {currency} allows", price=text, currency=currency
        ) from None


def read_integer(text: str, *, minimum: int = -INT4_MAX) -> int:
    """Return a whole number that the database's 32 bits hold."""
    if not _INTEGER.fullmatch(text):
        raise BadCell("{cell} is not a whole number", cell=_shown(text))
    return _in_range(int(text), minimum)


def read_grams(text: str) -> int:
    """Return a weight in whole grams; exports carry fractions such as ``453.592``."""
    if not _DECIMAL.fullmatch(text):
        raise BadCell("{cell} is not a number of grams", cell=_shown(text))
    return _in_range(int(Decimal(text).quantize(Decimal(1), ROUND_HALF_UP)), 0)


def _in_range(number: int, minimum: int) -> int:
    if not minimum <= number <= INT4_MAX:
        raise BadCell(
            "{number} is not within {lowest} and {highest}",
            number=number,
            lowest=minimum,
            highest=INT4_MAX,
        )
    return number


def read_flag(text: str) -> bool:
    """Return a truth value; spreadsheets write ``TRUE``, exports ``true``."""
    match text.lower():
        case "true":
            return True
        case "false":
            return False
    raise BadCell("{cell} is neither TRUE nor FALSE", cell=_shown(text))


def read_choice(text: str, choices: tuple[str, ...]) -> str:
    """Return one of ``choices``, whatever its case."""
    choice = text.lower()
    if choice not in choices:
        raise BadCell("{cell} is none of {choices}", cell=_shown(text), choices=", ".join(choices))
    return choice


def read_tags(text: str) -> tuple[str, ...]:
    """Return the tags between the commas, each once, in order."""
    tags = tuple(dict.fromkeys(tag for part in text.split(",") if (tag := read_text(part))))
    if len(tags) > MAX_TAGS:
        raise BadCell(
            "{count} tags where at most {most} are allowed", count=len(tags), most=MAX_TAGS
        )
    return tags


def read_url(text: str) -> str:
    """Return an absolute http or https address."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_URL_BYTES:
        raise BadCell("an address of more than {most} bytes", most=MAX_URL_BYTES)
    if _SPACE_OR_CONTROL.search(text):
        raise BadCell("{cell} has a space or control character in it", cell=_shown(text))
    try:
        is_usable = is_web_address(text)
    except ValueError as error:
        raise BadCell(
            "{cell} is not an address: {detail}", cell=_shown(text), detail=error
        ) from None
    if not is_usable:
        raise BadCell("{cell} is not an http or https address", cell=_shown(text))
    return text
