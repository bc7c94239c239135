"""From what a merchant sends to a campaign's draft, and why that cannot be."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from headless_presale.campaigns import CampaignDraft, PlanKind
from headless_presale.kernel import clock
from headless_presale.kernel.errors import InvalidInput
from headless_presale.shops import ShopPolicies
from resolvers.errors import Refusal, refusal_of
from resolvers.global_ids import read_input_id

_NAMES = {
    ("variant", "id"): "variantId",
    ("lasts",): "seconds",
    ("reminder",): "reminderSeconds",
    ("allowed",): "isAllowed",
}
"""What a draft calls otherwise than the API does."""

Fields = Mapping[str, Any]


def read_draft(fields: Fields, policies: ShopPolicies) -> CampaignDraft:
    """Return the draft of a new campaign; what it leaves out are the shop's own numbers.

    Raises:
        ValidationError: with every value that cannot be used.
        InvalidInput: an id is none.
    """
    given = {"hold_seconds": policies.default_hold_seconds, **_with_variants(fields)}
    given["payment_plan"] = _with_defaults(fields.get("payment_plan", {}), policies)
    return CampaignDraft.model_validate(given)


def _with_defaults(plan: Fields, policies: ShopPolicies) -> Fields:
    usual: dict[str, Any] = {"reminder": timedelta(seconds=policies.default_reminder_seconds)}
    if plan.get("kind") is PlanKind.DEPOSIT and "deposit_per_unit" not in plan:
        usual["deposit_bps"] = policies.default_deposit_bps
    return {**usual, **plan}


def read_changes(fields: Fields, policies: ShopPolicies) -> dict[str, Any]:
    """Return what is to change of a campaign, by the draft's names and in its types.

    Raises:
        ValidationError: with every value that cannot be used.
        InvalidInput: an id is none.
    """
    at = clock.now()
    least = {"handle": "x", "title": "x", "opens_at": at, "closes_at": at}
    given = dict(_with_variants(fields))
    if "payment_plan" in given:
        given["payment_plan"] = _with_defaults(given["payment_plan"], policies)
    draft = CampaignDraft.model_validate({**least, **given})
    return {name: getattr(draft, name) for name in fields}


def _with_variants(fields: Fields) -> Fields:
    """Return the fields with the variants' global ids read."""
    if "items" not in fields:
        return fields
    items = []
    for position, item in enumerate(fields["items"]):
        path = ("items", str(position), "variantId")
        variant = {"id": read_input_id(item["variant"], "ProductVariant", path)}
        items.append({**item, "variant": variant})
    return {**fields, "items": items}


def refusals_of_draft(error: ValidationError, locale: str) -> tuple[Refusal, ...]:
    """Return every value that cannot be used, each with its place."""
    return tuple(refusal_of(_fault_of(detail), locale) for detail in error.errors())


def _fault_of(detail: ErrorDetails) -> InvalidInput:
    field, given = _path_of(detail["loc"]), detail.get("ctx", {})
    match detail["type"]:
        case "string_pattern_mismatch":
            return InvalidInput(
                reason="a slug is 1 to {most} lower-case letters and digits, in groups joined by "
                "single hyphens",
                most=120,
                field=field,
            )
        case "string_too_short":
            return InvalidInput(reason="must not be empty", field=field)
        case "string_too_long":
            return InvalidInput(
                reason="must not be longer than {longest} characters",
                longest=given["max_length"],
                field=field,
            )
        case "too_long":
            return InvalidInput(
                reason="at most {most} entries", most=given["max_length"], field=field
            )
        case "greater_than_equal":
            return InvalidInput(
                reason="the number must be at least {least}", least=_plain(given["ge"]), field=field
            )
        case "less_than_equal":
            return InvalidInput(
                reason="the number must be at most {most}", most=_plain(given["le"]), field=field
            )
        case "not_storable":
            return InvalidInput(
                reason="must not contain NUL characters or halves of surrogate pairs", field=field
            )
        case "not_a_locale":
            return InvalidInput(reason="must be a language tag such as zh-CN", field=field)
        case _:
            return InvalidInput(reason="this value cannot be used", field=field)


def _path_of(place: Sequence[int | str]) -> tuple[str, ...]:
    parts = [str(part) for part in place]
    for words, name in _NAMES.items():
        if tuple(parts[-len(words) :]) == words:
            parts[-len(words) :] = [name]
    return tuple(parts)


def _plain(bound: object) -> object:
    return int(bound.total_seconds()) if isinstance(bound, timedelta) else bound
