"""A shop's settings and its numbers, each with its bounds and what it is for."""

from dataclasses import asdict
from enum import StrEnum

import strawberry

from headless_presale.shops import POLICY_BOUNDS, Shop, ShopPolicies
from resolvers.admin import settings
from resolvers.admin.policy_texts import policy_text
from schema.nodes import Info


@strawberry.type(description="A shop's name in one language.")
class ShopTranslation:
    locale: str
    name: str


@strawberry.type(name="ShopSettings", description="What a shop is called and how it is reached.")
class ShopSettingsType:
    shop: strawberry.Private[Shop]

    @strawberry.field(description="Where buyers reach the shop; empty for nowhere.")
    def contact_email(self) -> str:
        return self.shop.contact_email

    @strawberry.field(description="A name of the IANA database, such as `Asia/Shanghai`.")
    def timezone(self) -> str:
        return self.shop.timezone

    @strawberry.field(description="Language of the texts that have no translation.")
    def default_locale(self) -> str:
        return self.shop.default_locale

    @strawberry.field(description="Its name in other languages, by language.")
    def translations(self) -> list[ShopTranslation]:
        return [
            ShopTranslation(locale=locale, name=texts["name"])
            for locale, texts in sorted(self.shop.translations.items())
            if "name" in texts
        ]

    @strawberry.field(
        description="Whether people confirm by mail before they are told of openings. Where the "
        "law wants consent that can be proven, as in the EU, leave it on."
    )
    def notify_double_opt_in(self) -> bool:
        return self.shop.notify_double_opt_in

    @strawberry.field(
        description="From which sites' pages browsers may use the shop, such as "
        "`https://shop.example`; empty: from all."
    )
    def storefront_origins(self) -> list[str]:
        return self.shop.storefront_origins

    @strawberry.field(description="Whether storefronts may send registered documents alone.")
    def trusted_documents_only(self) -> bool:
        return self.shop.trusted_documents_only

    @strawberry.field(
        description="Whether slug and currency stay as they are, because products hang on them."
    )
    async def is_fixed(self) -> bool:
        return await settings.is_fixed(self.shop)


@strawberry.enum(description="What a policy's number counts.")
class PolicyUnit(StrEnum):
    """The end of its name says so: ``warn_ship_days``."""

    BASIS_POINTS = "BASIS_POINTS"
    SECONDS = "SECONDS"
    DAYS = "DAYS"


_UNITS = {
    "bps": PolicyUnit.BASIS_POINTS,
    "seconds": PolicyUnit.SECONDS,
    "days": PolicyUnit.DAYS,
}


@strawberry.type(description="One of a shop's numbers: what is in force, and what it may be.")
class PolicyNumber:
    name: strawberry.Private[str]
    value: int = strawberry.field(description="In force.")
    default: int = strawberry.field(description="What it is where a shop has not changed it.")

    @strawberry.field(description="The least it may be.")
    def lowest(self) -> int:
        return POLICY_BOUNDS[self.name].lowest

    @strawberry.field(description="The most it may be.")
    def highest(self) -> int:
        return POLICY_BOUNDS[self.name].highest

    @strawberry.field(description="100 basis points are one per cent.")
    def unit(self) -> PolicyUnit:
        return _UNITS[self.name.rsplit("_", 1)[-1]]

    @strawberry.field(description="What it does, in the language of Accept-Language.")
    def explanation(self, info: Info) -> str:
        return policy_text(self.name, info.context.locale)


@strawberry.type(
    name="ShopPolicies",
    description="A shop's own numbers: what a campaign starts from, and when a merchant is warned. "
    "None of them touches a campaign that exists.",
)
class ShopPoliciesType:
    default_deposit_bps: PolicyNumber
    warn_deposit_bps: PolicyNumber
    default_hold_seconds: PolicyNumber
    recommended_window_min_days: PolicyNumber
    recommended_window_max_days: PolicyNumber
    warn_ship_days: PolicyNumber
    default_reminder_seconds: PolicyNumber


def policies_of(shop: Shop) -> ShopPoliciesType:
    """Return the numbers in force in a shop."""
    usual = asdict(ShopPolicies())
    in_force = asdict(ShopPolicies.from_json(shop.policies))
    return ShopPoliciesType(
        **{
            name: PolicyNumber(name=name, value=value, default=usual[name])
            for name, value in in_force.items()
        }
    )
