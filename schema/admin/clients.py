"""Applications that a merchant lets in, and what was granted to them."""

from datetime import datetime

import strawberry

from headless_presale.identity import ClientKind, OAuthClient, OAuthGrant, Scope, kind_of
from resolvers.admin import clients
from schema.admin.staff import shop_ids_of
from schema.errors import UserError, user_errors
from schema.nodes import Info, global_id
from schema.permissions import requires

strawberry.enum(
    ClientKind,
    name="ApiClientKind",
    description="WEB and PUBLIC act for a member of the staff who consents, SERVICE for itself.",
)


@strawberry.type(name="ApiClient", description="An application that may ask for tokens.")
class ApiClientType:
    row: strawberry.Private[OAuthClient]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("ApiClient", self.row.id)

    @strawberry.field(description="The OAuth `client_id`.")
    def client_id(self) -> str:
        return str(self.row.id)

    @strawberry.field
    def name(self) -> str:
        return self.row.name

    @strawberry.field
    def kind(self) -> ClientKind:
        return kind_of(self.row)

    @strawberry.field
    def redirect_uris(self) -> list[str]:
        return list(self.row.redirect_uris)

    @strawberry.field(description="The most it may be granted.")
    def scopes(self) -> list[str]:
        return list(self.row.scopes)

    @strawberry.field(description="The shops it is limited to; null means all, also new ones.")
    def shop_ids(self) -> list[strawberry.ID] | None:
        return shop_ids_of(self.row.shop_ids)

    @strawberry.field
    def is_enabled(self) -> bool:
        return self.row.disabled_at is None

    @strawberry.field(description="Until when the secret before the last rotation is good.")
    def previous_secret_expires_at(self) -> datetime | None:
        return self.row.previous_secret_expires_at

    @strawberry.field
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field
    def version(self) -> int:
        return self.row.version


@strawberry.type(name="Grant", description="What an application was allowed, and by whom.")
class GrantType:
    row: strawberry.Private[OAuthGrant]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("Grant", self.row.id)

    @strawberry.field
    def client_name(self) -> str:
        return self.row.client.name

    @strawberry.field(description="Who granted it; null where a client acts for itself.")
    def granted_by(self) -> str | None:
        return self.row.account.email if self.row.account is not None else None

    @strawberry.field
    def scopes(self) -> list[str]:
        return list(self.row.scopes)

    @strawberry.field
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field(description="When it ends by itself.")
    def expires_at(self) -> datetime:
        return self.row.expires_at


@strawberry.input(description="An application to register.")
class ApiClientCreateInput:
    name: str
    kind: ClientKind
    scopes: list[str] = strawberry.field(description="The most it may be granted.")
    redirect_uris: list[str] = strawberry.field(
        default_factory=list,
        description="Where codes may be sent, compared to the letter. None for a SERVICE.",
    )
    shop_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Shops it is limited to; null means all."
    )


@strawberry.input(description="An application as it is to be from now on.")
class ApiClientUpdateInput:
    client_id: strawberry.ID = strawberry.field(description="`ApiClient.id`.")
    name: str
    scopes: list[str]
    redirect_uris: list[str] = strawberry.field(default_factory=list)
    shop_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Shops it is limited to; null means all."
    )
    version: int = strawberry.field(description="The version you read.")


@strawberry.input(description="A secret to replace.")
class ApiClientSecretRotateInput:
    client_id: strawberry.ID = strawberry.field(description="`ApiClient.id`.")
    version: int = strawberry.field(description="The version you read.")
    keep_old: bool = strawberry.field(
        default=True,
        description="Let the old one be good for a week more; false ends it at once.",
    )


@strawberry.input(description="An application to turn off.")
class ApiClientDisableInput:
    client_id: strawberry.ID = strawberry.field(description="`ApiClient.id`.")
    version: int = strawberry.field(description="The version you read.")


@strawberry.input(description="A grant to end.")
class GrantRevokeInput:
    grant_id: strawberry.ID


@strawberry.type
class ApiClientCreatePayload:
    client: ApiClientType | None
    secret: str | None = strawberry.field(
        description="Shown this once, and stored nowhere. Null for a PUBLIC client."
    )
    user_errors: list[UserError]


@strawberry.type
class ApiClientUpdatePayload:
    client: ApiClientType | None
    user_errors: list[UserError]


@strawberry.type
class ApiClientSecretRotatePayload:
    client: ApiClientType | None
    secret: str | None = strawberry.field(description="Shown this once, and stored nowhere.")
    user_errors: list[UserError]


@strawberry.type
class ApiClientDisablePayload:
    client: ApiClientType | None
    user_errors: list[UserError]


@strawberry.type
class GrantRevokePayload:
    revoked_id: strawberry.ID | None
    user_errors: list[UserError]


@strawberry.type
class ClientMutation:
    @strawberry.mutation(
        description="Register an application. It is given no more than you have.",
        extensions=requires(Scope.CLIENTS_WRITE, all_shops=True),
    )
    async def api_client_create(
        self, info: Info, input: ApiClientCreateInput
    ) -> ApiClientCreatePayload:
        form = clients.ClientForm(
            name=input.name,
            redirect_uris=input.redirect_uris,
            scopes=input.scopes,
            shop_ids=input.shop_ids,
        )
        created = await clients.create(info.context, input.kind, form)
        made = created.value
        return ApiClientCreatePayload(
            client=None if made is None else ApiClientType(row=made.client),
            secret=None if made is None else made.secret,
            user_errors=user_errors(created.refusals),
        )

    @strawberry.mutation(
        description="Change an application. What it loses counts at once.",
        extensions=requires(Scope.CLIENTS_WRITE, all_shops=True),
    )
    async def api_client_update(
        self, info: Info, input: ApiClientUpdateInput
    ) -> ApiClientUpdatePayload:
        form = clients.ClientForm(
            name=input.name,
            redirect_uris=input.redirect_uris,
            scopes=input.scopes,
            shop_ids=input.shop_ids,
        )
        updated = await clients.update(
            info.context, client_id=input.client_id, form=form, version=input.version
        )
        row = updated.value
        return ApiClientUpdatePayload(
            client=None if row is None else ApiClientType(row=row),
            user_errors=user_errors(updated.refusals),
        )

    @strawberry.mutation(
        description="Replace an application's secret.",
        extensions=requires(Scope.CLIENTS_WRITE, all_shops=True),
    )
    async def api_client_secret_rotate(
        self, info: Info, input: ApiClientSecretRotateInput
    ) -> ApiClientSecretRotatePayload:
        rotated = await clients.rotate(
            info.context,
            client_id=input.client_id,
            version=input.version,
            keep_old=input.keep_old,
        )
        made = rotated.value
        return ApiClientSecretRotatePayload(
            client=None if made is None else ApiClientType(row=made.client),
            secret=None if made is None else made.secret,
            user_errors=user_errors(rotated.refusals),
        )

    @strawberry.mutation(
        description="Turn an application off; all of its tokens end at once.",
        extensions=requires(Scope.CLIENTS_WRITE, all_shops=True),
    )
    async def api_client_disable(
        self, info: Info, input: ApiClientDisableInput
    ) -> ApiClientDisablePayload:
        disabled = await clients.disable(
            info.context, client_id=input.client_id, version=input.version
        )
        row = disabled.value
        return ApiClientDisablePayload(
            client=None if row is None else ApiClientType(row=row),
            user_errors=user_errors(disabled.refusals),
        )

    @strawberry.mutation(
        description="End what somebody allowed an application; its tokens end at once.",
        extensions=requires(Scope.CLIENTS_WRITE, all_shops=True),
    )
    async def grant_revoke(self, info: Info, input: GrantRevokeInput) -> GrantRevokePayload:
        revoked = await clients.revoke(info.context, grant_id=input.grant_id)
        return GrantRevokePayload(
            revoked_id=None if revoked.refusals else input.grant_id,
            user_errors=user_errors(revoked.refusals),
        )
