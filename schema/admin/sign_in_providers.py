"""Where customers of a shop may sign in, as its merchant sets it up."""

from datetime import datetime

import strawberry

from headless_presale.customers import ProviderChanges, ProviderWish, SignInProvider
from headless_presale.identity import Scope
from resolvers.admin import sign_in_providers
from resolvers.errors import Answer
from schema.enums import ProviderKind
from schema.errors import UserError, user_errors
from schema.nodes import Info, global_id
from schema.permissions import requires


@strawberry.type(
    name="AdminSignInProvider", description="A sign-in provider of a shop's customers."
)
class AdminSignInProviderType:
    row: strawberry.Private[SignInProvider]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("SignInProvider", self.row.id)

    @strawberry.field
    def kind(self) -> ProviderKind:
        return self.row.kind

    @strawberry.field(description="What the button says.")
    def name(self) -> str:
        return self.row.name

    @strawberry.field(description="How an OpenID Connect provider calls itself; null for WeChat.")
    def issuer(self) -> str | None:
        return self.row.issuer if self.row.kind is ProviderKind.OIDC else None

    @strawberry.field(description="The shop's client id at the provider; for WeChat the appid.")
    def client_id(self) -> str:
        return self.row.client_id

    @strawberry.field(description="Whether a secret is kept; it is shown to nobody.")
    def has_secret(self) -> bool:
        return self.row.secret is not None

    @strawberry.field(description="Where a storefront may have people sent back to.")
    def redirect_uris(self) -> list[str]:
        return list(self.row.redirect_uris)

    @strawberry.field
    def is_enabled(self) -> bool:
        return self.row.disabled_at is None

    @strawberry.field
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field
    def version(self) -> int:
        return self.row.version


@strawberry.input(description="A provider to add.")
class SignInProviderCreateInput:
    shop_id: strawberry.ID
    kind: ProviderKind
    name: str = strawberry.field(description="What the button says.")
    client_id: str = strawberry.field(
        description="The shop's client id at the provider; for WeChat the mini-program's appid."
    )
    secret: str | None = strawberry.field(
        default=None, description="WeChat needs one; a public client of OpenID Connect has none."
    )
    issuer: str | None = strawberry.field(
        default=None,
        description="How an OpenID Connect provider calls itself: https, of a public address. Null "
        "for WeChat.",
    )
    redirect_uris: list[str] | None = strawberry.field(
        default=None,
        description="Where a storefront may have people sent back to, compared to the letter. Null "
        "for WeChat.",
    )


@strawberry.input(description="What to change of a provider; what is left out or null stays.")
class SignInProviderUpdateInput:
    provider_id: strawberry.ID
    version: int = strawberry.field(description="The version you read.")
    name: str | None = None
    secret: str | None = None
    redirect_uris: list[str] | None = None
    is_enabled: bool | None = strawberry.field(
        default=None,
        description="While it is disabled nobody signs in with it; who is signed in stays so.",
    )


@strawberry.input(description="A provider to remove.")
class SignInProviderDeleteInput:
    provider_id: strawberry.ID
    version: int = strawberry.field(description="The version you read.")


@strawberry.type
class SignInProviderCreatePayload:
    provider: AdminSignInProviderType | None
    user_errors: list[UserError]


@strawberry.type
class SignInProviderUpdatePayload:
    provider: AdminSignInProviderType | None
    user_errors: list[UserError]


@strawberry.type
class SignInProviderDeletePayload:
    deleted_id: strawberry.ID | None
    user_errors: list[UserError]


@strawberry.type
class SignInProviderMutation:
    @strawberry.mutation(
        description="Let customers of a shop sign in at WeChat or at an OpenID Connect provider.",
        extensions=requires(Scope.SETTINGS_WRITE),
    )
    async def sign_in_provider_create(
        self, info: Info, input: SignInProviderCreateInput
    ) -> SignInProviderCreatePayload:
        wish = ProviderWish(
            kind=input.kind,
            name=input.name,
            client_id=input.client_id,
            secret=input.secret,
            issuer=input.issuer,
            redirect_uris=input.redirect_uris or (),
        )
        created = await sign_in_providers.create(info.context, shop_id=input.shop_id, wish=wish)
        return SignInProviderCreatePayload(
            provider=_provider(created), user_errors=user_errors(created.refusals)
        )

    @strawberry.mutation(
        description="Change a provider, or disable or enable it.",
        extensions=requires(Scope.SETTINGS_WRITE),
    )
    async def sign_in_provider_update(
        self, info: Info, input: SignInProviderUpdateInput
    ) -> SignInProviderUpdatePayload:
        changes = ProviderChanges(
            name=input.name,
            secret=input.secret,
            redirect_uris=input.redirect_uris,
            is_enabled=input.is_enabled,
        )
        changed = await sign_in_providers.update(
            info.context, provider_id=input.provider_id, changes=changes, version=input.version
        )
        return SignInProviderUpdatePayload(
            provider=_provider(changed), user_errors=user_errors(changed.refusals)
        )

    @strawberry.mutation(
        description="Remove a provider. Those who signed in with it stay customers.",
        extensions=requires(Scope.SETTINGS_WRITE),
    )
    async def sign_in_provider_delete(
        self, info: Info, input: SignInProviderDeleteInput
    ) -> SignInProviderDeletePayload:
        deleted = await sign_in_providers.delete(
            info.context, provider_id=input.provider_id, version=input.version
        )
        return SignInProviderDeletePayload(
            deleted_id=None if deleted.refusals else input.provider_id,
            user_errors=user_errors(deleted.refusals),
        )


def _provider(answer: Answer[SignInProvider]) -> AdminSignInProviderType | None:
    return None if answer.value is None else AdminSignInProviderType(row=answer.value)
