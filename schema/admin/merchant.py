"""A merchant: the organisation behind shops, and the entry to all that its staff may see."""

from datetime import datetime

import strawberry

from headless_presale.identity import Account, Principal, Role, Scope
from headless_presale.shops import Merchant, Shop
from headless_presale.webhooks import EVENT_TYPES
from resolvers import access
from resolvers.admin import audit, clients, merchant, orders, staff, webhooks
from schema.admin.audit import AuditEntryType, AuditFilterInput, question_of
from schema.admin.clients import ApiClientType, GrantType
from schema.admin.orders import (
    AdminOrderConnection,
    OrderFilterInput,
    OrderSortInput,
    connect_orders,
)
from schema.admin.orders import question_of as order_question_of
from schema.admin.shop import AdminShopType
from schema.admin.staff import InvitationType, RoleType, StaffMemberType
from schema.admin.webhooks import WebhookEndpointType, WebhookEventTypeType
from schema.errors import UserError, user_errors
from schema.nodes import (
    After,
    Before,
    Connection,
    First,
    Info,
    Last,
    connect,
    global_id,
    page_request,
)
from schema.permissions import requires
from schema.scalars import CurrencyCode


@strawberry.type(name="Merchant", description="An organisation that runs shops.")
class MerchantType:
    row: strawberry.Private[Merchant]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("Merchant", self.row.id)

    @strawberry.field
    def name(self) -> str:
        return self.row.name

    @strawberry.field
    def version(self) -> int:
        return self.row.version

    @strawberry.field(description="The shops you may touch, oldest first.", extensions=requires())
    async def shops(self, info: Info) -> list[AdminShopType]:
        return [AdminShopType(shop=shop) for shop in await access.list_own_shops(info.context)]

    @strawberry.field(
        description="A shop by its slug; null if it is not yours.", extensions=requires()
    )
    async def shop(self, info: Info, slug: str) -> AdminShopType | None:
        shop = await access.find_own_shop(info.context, slug)
        return None if shop is None else AdminShopType(shop=shop)

    @strawberry.field(
        description="Orders of the shops you may touch, the newest first unless sorted otherwise. "
        "Totals are compared only among shops of one currency.",
        extensions=requires(Scope.ORDERS_READ),
    )
    async def orders(
        self,
        info: Info,
        shop_ids: list[strawberry.ID] | None = None,
        filter: OrderFilterInput | None = None,
        sort: OrderSortInput | None = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> AdminOrderConnection:
        page = await orders.page_of_orders(
            info.context,
            await access.list_own_shops(info.context),
            order_question_of(filter, sort, shop_ids),
            page_request(first, after, last, before),
        )
        return connect_orders(page)

    @strawberry.field(
        description="Members of the staff, in the order in which they joined.",
        extensions=requires(Scope.MEMBERS_READ, all_shops=True),
    )
    async def staff(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[StaffMemberType]:
        page = await staff.page_of_members(info.context, page_request(first, after, last, before))
        return connect(page, lambda row: StaffMemberType(row=row))

    @strawberry.field(
        description="Invitations that wait for an answer, the newest first.",
        extensions=requires(Scope.MEMBERS_READ, all_shops=True),
    )
    async def invitations(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[InvitationType]:
        page = await staff.page_of_invitations(
            info.context, page_request(first, after, last, before)
        )
        return connect(page, lambda row: InvitationType(row=row))

    @strawberry.field(description="What each role may do.", extensions=requires())
    def roles(self) -> list[RoleType]:
        return [RoleType(role=role) for role in Role]

    @strawberry.field(
        description="Applications that the merchant registered, the newest first.",
        extensions=requires(Scope.CLIENTS_READ, all_shops=True),
    )
    async def clients(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[ApiClientType]:
        page = await clients.page_of_clients(info.context, page_request(first, after, last, before))
        return connect(page, lambda row: ApiClientType(row=row))

    @strawberry.field(
        description="What stands of what was granted to applications, the newest first.",
        extensions=requires(Scope.CLIENTS_READ, all_shops=True),
    )
    async def grants(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[GrantType]:
        page = await clients.page_of_grants(info.context, page_request(first, after, last, before))
        return connect(page, lambda row: GrantType(row=row))

    @strawberry.field(
        description="Endpoints that are told of events, the newest first. Who is limited to some "
        "shops sees those of his shops alone.",
        extensions=requires(Scope.WEBHOOKS_READ),
    )
    async def webhook_endpoints(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[WebhookEndpointType]:
        page = await webhooks.page_of_endpoints(
            info.context, page_request(first, after, last, before)
        )
        return connect(page, lambda row: WebhookEndpointType(row=row))

    @strawberry.field(
        description="An endpoint by its id; null if it is not yours.",
        extensions=requires(Scope.WEBHOOKS_READ),
    )
    async def webhook_endpoint(self, info: Info, id: strawberry.ID) -> WebhookEndpointType | None:
        row = await webhooks.find_endpoint(info.context, id)
        return None if row is None else WebhookEndpointType(row=row)

    @strawberry.field(
        description="Events that can be subscribed to.", extensions=requires(Scope.WEBHOOKS_READ)
    )
    def webhook_event_types(self) -> list[WebhookEventTypeType]:
        return [WebhookEventTypeType(row=row) for row in EVENT_TYPES.values()]

    @strawberry.field(
        description="Changes of what belongs to no shop, the newest first: the merchant, staff, "
        "applications, webhooks, shops opened.",
        extensions=requires(Scope.AUDIT_READ, all_shops=True),
    )
    async def audit_log(
        self,
        info: Info,
        filter: AuditFilterInput | None = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[AuditEntryType]:
        page = await audit.page_of_entries(
            info.context,
            self.row.id,
            question_of(filter),
            page_request(first, after, last, before),
        )
        return connect(page, lambda row: AuditEntryType(row=row))


@strawberry.type(description="Who asks: a member of the staff, or a client for itself.")
class Viewer:
    """The caller, as his token and the database have him now."""

    principal: strawberry.Private[Principal]
    account: strawberry.Private[Account | None]

    @strawberry.field(description="An e-mail address, or a client's name.")
    def label(self) -> str:
        return self.principal.label

    @strawberry.field(description="Null for a client that acts for itself.")
    def name(self) -> str | None:
        return self.account.name if self.account is not None else None

    @strawberry.field(description="Null for a client that acts for itself.")
    def role(self) -> Role | None:
        return self.principal.role

    @strawberry.field(description="What you may do now.")
    def scopes(self) -> list[str]:
        return [str(scope) for scope in Scope if scope in self.principal.scopes]

    @strawberry.field(description="Whether you may touch all of the merchant's shops.")
    def has_all_shops(self) -> bool:
        return self.principal.has_all_shops

    @strawberry.field(description="When your token ends.")
    def expires_at(self) -> datetime:
        return self.principal.expires_at


@strawberry.input(description="A new name for the merchant.")
class MerchantUpdateInput:
    name: str
    version: int = strawberry.field(description="The version you read.")


@strawberry.input(description="A shop to open.")
class ShopCreateInput:
    slug: str = strawberry.field(description="Lower-case letters, digits and single hyphens.")
    name: str
    currency: CurrencyCode = strawberry.field(description="What its catalogue is priced in.")
    default_locale: str = strawberry.field(
        default="en", description="Language of the texts that have no translation."
    )


@strawberry.type
class MerchantUpdatePayload:
    merchant: MerchantType | None
    user_errors: list[UserError]


@strawberry.type
class ShopCreatePayload:
    shop: AdminShopType | None
    user_errors: list[UserError]


@strawberry.type
class MerchantMutation:
    @strawberry.mutation(
        description="Rename the merchant.",
        extensions=requires(Scope.SETTINGS_WRITE, all_shops=True),
    )
    async def merchant_update(
        self, info: Info, input: MerchantUpdateInput
    ) -> MerchantUpdatePayload:
        renamed = await merchant.rename(info.context, name=input.name, version=input.version)
        row = renamed.value
        return MerchantUpdatePayload(
            merchant=None if row is None else MerchantType(row=row),
            user_errors=user_errors(renamed.refusals),
        )

    @strawberry.mutation(
        description="Open another shop of the merchant.",
        extensions=requires(Scope.SETTINGS_WRITE, all_shops=True),
    )
    async def shop_create(self, info: Info, input: ShopCreateInput) -> ShopCreatePayload:
        opened = await merchant.open_shop(
            info.context,
            slug=input.slug,
            name=input.name,
            currency=input.currency,
            default_locale=input.default_locale,
        )
        shop: Shop | None = opened.value
        return ShopCreatePayload(
            shop=None if shop is None else AdminShopType(shop=shop),
            user_errors=user_errors(opened.refusals),
        )
