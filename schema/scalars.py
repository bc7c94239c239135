"""Scalars: how values look on the wire.

``SafeInt`` stands where money is counted: a GraphQL ``Int`` ends at 2,147,483,647, which is 21
million yuan in fen, or 2 billion rupiah whole. A JSON number is exact in every client up to
2**53 - 1, and that is also the largest amount the shop accepts.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from headless_presale.kernel.money import MAX_AMOUNT_MINOR

SafeInt = NewType("SafeInt", int)
CurrencyCode = NewType("CurrencyCode", str)

_CURRENCY = re.compile(r"[A-Z]{3}")


def _write_safe_int(value: object) -> int:
    if type(value) is not int or abs(value) > MAX_AMOUNT_MINOR:
        raise GraphQLError(f"SafeInt cannot represent {value!r}")
    return value


def _read_safe_int(value: object) -> int:
    # JSON knows one kind of number: 1e3 and 1000.0 arrive as floats.
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    if type(number) is not int or abs(number) > MAX_AMOUNT_MINOR:
        raise GraphQLError("SafeInt must be a whole number between -(2**53 - 1) and 2**53 - 1")
    return number


def _write_moment(value: datetime) -> str:
    in_utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return in_utc.isoformat().replace("+00:00", "Z")


def _read_moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise GraphQLError("DateTime must be ISO 8601 with an offset, such as 2026-03-01T12:00:00Z")
    return moment.astimezone(UTC)


def _read_day(value: object) -> date:
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise GraphQLError("Date must be ISO 8601, such as 2026-03-01") from None


def _write_decimal(value: Decimal) -> str:
    # Never 1E+3: a decimal is read by people and by parsers that know no exponents.
    return f"{value:f}"


def _read_decimal(value: object) -> Decimal:
    # A JSON number has been a float by now, and a float is not what was written.
    number = Decimal(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else None
    if number is None:
        raise GraphQLError('Decimal must be a string of digits, such as "19.99"')
    return number


_DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")


def _read_currency(value: object) -> str:
    if not isinstance(value, str) or _CURRENCY.fullmatch(value) is None:
        raise GraphQLError("CurrencyCode must be three capital letters of ISO 4217, such as CNY")
    return value


SCALARS: Mapping[object, ScalarDefinition] = {
    SafeInt: strawberry.scalar(
        name="SafeInt",
        description="A whole number between -(2^53 - 1) and 2^53 - 1: exact in every JSON client.",
        serialize=_write_safe_int,
        parse_value=_read_safe_int,
    ),
    CurrencyCode: strawberry.scalar(
        name="CurrencyCode",
        description="An ISO 4217 code, such as `CNY`.",
        specified_by_url="https://www.iso.org/iso-4217-currency-codes.html",
        serialize=str,
        parse_value=_read_currency,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in ISO 8601, always sent in UTC: `2026-03-01T12:00:00Z`.",
        serialize=_write_moment,
        parse_value=_read_moment,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A calendar day in ISO 8601: `2026-03-01`.",
        serialize=date.isoformat,
        parse_value=_read_day,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number, as a string: `"19.99"`.',
        serialize=_write_decimal,
        parse_value=_read_decimal,
    ),
}
