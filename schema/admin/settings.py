"""Changing a shop's settings and its numbers."""

import strawberry

from headless_presale.identity import Scope
from headless_presale.shops import POLICY_BOUNDS
from resolvers.admin import settings
from resolvers.admin.settings import ShopForm
from schema.admin.shop import AdminShopType
from schema.errors import UserError, user_errors
from schema.nodes import Info
from schema.permissions import requires
from schema.scalars import CurrencyCode


@strawberry.input(description="A shop's name in one language.")
class ShopTranslationInput:
    locale: str = strawberry.field(description="A language tag such as `zh-CN`.")
    name: str | None = strawberry.field(default=None, description="Null removes the language.")


@strawberry.input(description="What to change of a shop; what is left out or null stays.")
class ShopUpdateInput:
    shop_id: strawberry.ID
    version: int = strawberry.field(description="The version you read.")
    name: str | None = strawberry.field(default=None, description="In the shop's own language.")
    slug: str | None = strawberry.field(
        default=None, description="Can be changed while the shop has no product."
    )
    currency: CurrencyCode | None = strawberry.field(
        default=None, description="Can be changed while the shop has no product."
    )
    contact_email: str | None = strawberry.field(
        default=None, description="Where buyers reach the shop; an empty text for nowhere."
    )
    timezone: str | None = strawberry.field(
        default=None, description="A name of the IANA database, such as `Asia/Shanghai`."
    )
    default_locale: str | None = strawberry.field(
        default=None, description="Language of the texts that have no translation."
    )
    translations: list[ShopTranslationInput] | None = strawberry.field(
        default=None, description="Languages to set or remove; one that is not named stays."
    )
    notify_double_opt_in: bool | None = strawberry.field(
        default=None,
        description="Whether people confirm by mail before they are told of openings.",
    )
    storefront_origins: list[str] | None = strawberry.field(
        default=None,
        description="From which sites' pages browsers may use the shop: scheme, host and perhaps "
        "a port, https but for this machine's own, at most 50. Empty: from all. What is sent "
        "replaces the whole list.",
    )

    trusted_documents_only: bool | None = strawberry.field(
        default=None,
        description="Have storefronts send registered documents alone: `headless-presale documents "
        "import` registers them. Whoever sends another is answered `DOCUMENT_NOT_TRUSTED`.",
    )

    def to_form(self) -> ShopForm:
        """Return it as the resolvers take it."""
        names = None
        if self.translations is not None:
            names = [(text.locale, text.name) for text in self.translations]
        return ShopForm(
            slug=self.slug,
            currency=self.currency,
            name=self.name,
            contact_email=self.contact_email,
            timezone=self.timezone,
            default_locale=self.default_locale,
            names=names,
            notify_double_opt_in=self.notify_double_opt_in,
            storefront_origins=self.storefront_origins,
            trusted_documents_only=self.trusted_documents_only,
        )


@strawberry.input(
    description="Numbers to change; what is left out or null stays. `ShopPolicies` has the bounds "
    "and the defaults."
)
class ShopPoliciesUpdateInput:
    shop_id: strawberry.ID
    version: int = strawberry.field(description="The shop's version that you read.")
    default_deposit_bps: int | None = None
    warn_deposit_bps: int | None = None
    default_hold_seconds: int | None = None
    recommended_window_min_days: int | None = None
    recommended_window_max_days: int | None = None
    warn_ship_days: int | None = None
    default_reminder_seconds: int | None = None

    def changes(self) -> dict[str, int]:
        """Return the numbers that are given, by name."""
        given = {name: getattr(self, name) for name in POLICY_BOUNDS}
        return {name: number for name, number in given.items() if number is not None}


@strawberry.type
class ShopUpdatePayload:
    shop: AdminShopType | None
    user_errors: list[UserError]


@strawberry.type
class ShopPoliciesUpdatePayload:
    shop: AdminShopType | None
    user_errors: list[UserError]


@strawberry.type
class SettingsMutation:
    @strawberry.mutation(
        description="Change a shop's settings.", extensions=requires(Scope.SETTINGS_WRITE)
    )
    async def shop_update(self, info: Info, input: ShopUpdateInput) -> ShopUpdatePayload:
        changed = await settings.change(
            info.context, shop_id=input.shop_id, version=input.version, form=input.to_form()
        )
        row = changed.value
        return ShopUpdatePayload(
            shop=None if row is None else AdminShopType(shop=row),
            user_errors=user_errors(changed.refusals),
        )

    @strawberry.mutation(
        description="Change a shop's numbers; campaigns that exist keep theirs.",
        extensions=requires(Scope.SETTINGS_WRITE),
    )
    async def shop_policies_update(
        self, info: Info, input: ShopPoliciesUpdateInput
    ) -> ShopPoliciesUpdatePayload:
        changed = await settings.change_policies(
            info.context,
            shop_id=input.shop_id,
            version=input.version,
            changes=input.changes(),
        )
        row = changed.value
        return ShopPoliciesUpdatePayload(
            shop=None if row is None else AdminShopType(shop=row),
            user_errors=user_errors(changed.refusals),
        )
