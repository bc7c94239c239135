"""Campaigns as their merchant sees them: all of what was written down, and how far it has sold."""

from datetime import datetime

import strawberry

from headless_presale.campaigns import (
    Campaign,
    CampaignSort,
    Fault,
    status_at,
)
from headless_presale.campaigns import CancelPolicy as Policy
from headless_presale.campaigns import PaymentPlan as Plan
from headless_presale.identity import Scope
from headless_presale.orders import Tally
from headless_presale.shops import Shop
from resolvers import notify_me
from resolvers.admin import analytics, campaigns
from resolvers.messages import fault_message
from schema.admin.analytics import FunnelType, SalesFrom, SalesUntil
from schema.admin.campaign_items import AdminCampaignItemType, SalesProgress
from schema.admin.campaign_previews import CancelPreviewType, ClosePreviewType
from schema.admin.campaign_terms import TermsChangeType, TermsVersionType
from schema.campaigns import CancelPolicy, PaymentPlan
from schema.enums import CampaignFaultCode, CampaignStatus
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
from schema.notify_me import NotifyMeCountType
from schema.permissions import requires
from schema.transport.costs import Cost

strawberry.enum(CampaignSort, description="What a list of campaigns is sorted by.")


@strawberry.type(name="CampaignFault", description="What hinders publishing, or is worth knowing.")
class CampaignFaultType:
    fault: strawberry.Private[Fault]

    @strawberry.field
    def code(self) -> CampaignFaultCode:
        return CampaignFaultCode(self.fault.code)

    @strawberry.field(description="In the language of Accept-Language.")
    def message(self, info: Info) -> str:
        return fault_message(self.fault, info.context.locale)

    @strawberry.field(
        description="Path within `CampaignCreateInput`, such as [items, 0, batches, 1, shipsBy]."
    )
    def field(self) -> list[str]:
        return self.fault.path.split(".")


@strawberry.type(description="Title and story in one language.")
class CampaignTranslation:
    locale: str
    title: str | None
    story: str | None


@strawberry.type(name="AdminCampaign", description="A campaign as its merchant sees it.")
class AdminCampaignType:
    """Texts as they were written, not in the reader's language."""

    row: strawberry.Private[Campaign]
    shop: strawberry.Private[Shop]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("Campaign", self.row.id)

    @strawberry.field(description="Its address within the shop.")
    def handle(self) -> str:
        return self.row.handle

    @strawberry.field(description="In the shop's own language.")
    def title(self) -> str:
        return self.row.title

    @strawberry.field
    def story(self) -> str:
        return self.row.story

    @strawberry.field
    def translations(self) -> list[CampaignTranslation]:
        return [
            CampaignTranslation(locale=locale, title=texts.get("title"), story=texts.get("story"))
            for locale, texts in sorted(self.row.translations.items())
        ]

    @strawberry.field(description="By the clock, whatever has been recorded so far.")
    def status(self, info: Info) -> CampaignStatus:
        row = self.row
        return status_at(
            row.status, opens_at=row.opens_at, closes_at=row.closes_at, at=info.context.at
        )

    @strawberry.field
    def opens_at(self) -> datetime:
        return self.row.opens_at

    @strawberry.field
    def closes_at(self) -> datetime:
        return self.row.closes_at

    @strawberry.field
    def payment_plan(self) -> PaymentPlan:
        return PaymentPlan.of(Plan.from_json(self.row.payment_plan), self.row.currency)

    @strawberry.field(description="How long before the balance is due buyers are reminded.")
    def reminder_seconds(self) -> int:
        return int(Plan.from_json(self.row.payment_plan).reminder.total_seconds())

    @strawberry.field
    def cancel_policy(self) -> CancelPolicy:
        return CancelPolicy.of(Policy.from_json(self.row.cancel_policy))

    @strawberry.field(description="How long a checkout holds its slots unpaid.")
    def hold_seconds(self) -> int:
        return self.row.hold_seconds

    @strawberry.field
    async def items(self, info: Info) -> list[AdminCampaignItemType]:
        return [
            AdminCampaignItemType(item=item, currency=self.row.currency)
            for item in await campaigns.items_of(info.context, self.row)
        ]

    @strawberry.field(description="Of all items together.")
    async def progress(self, info: Info) -> SalesProgress:
        loaders = info.context.loaders
        items = await campaigns.items_of(info.context, self.row)
        pools = await loaders.pools.load_many([item.pool_id for item in items])
        tally = await loaders.campaign_tallies.load(self.row.id)
        capacity = sum(pool.capacity for pool in pools if pool is not None)
        return SalesProgress(capacity=capacity, tally=tally or Tally())

    @strawberry.field(
        description="Who waits for it to open, and was told.",
        extensions=requires(Scope.CAMPAIGNS_READ),
        directives=[Cost(weight=10)],
    )
    async def notify_me(self, info: Info) -> NotifyMeCountType:
        counted = await notify_me.count_of(info.context, self.row.id)
        return NotifyMeCountType(counted=counted)

    @strawberry.field(description="In force; of a draft, what publishing would put in force.")
    async def terms(self, info: Info) -> TermsVersionType | None:
        terms = await campaigns.current_terms(info.context, self.row)
        return None if terms is None else TermsVersionType(terms=terms)

    @strawberry.field(description="Every version, the latest first.")
    async def terms_versions(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[TermsVersionType]:
        request = page_request(first, after, last, before)
        page = await campaigns.page_of_terms(self.row, request)
        return connect(page, lambda row: TermsVersionType(terms=row))

    @strawberry.field(description="Where one version of the terms differs from another.")
    async def terms_diff(self, older: int, newer: int) -> list[TermsChangeType]:
        changes = await campaigns.terms_diff(self.row, older=older, newer=newer)
        return [TermsChangeType(change=change) for change in changes]

    @strawberry.field(description="What hinders publishing; empty for what is published.")
    async def faults(self, info: Info) -> list[CampaignFaultType]:
        found = await campaigns.faults_of(info.context, self.row, self.shop)
        return [CampaignFaultType(fault=fault) for fault in found]

    @strawberry.field(description="What is allowed and unusual, by the shop's own numbers.")
    async def warnings(self, info: Info) -> list[CampaignFaultType]:
        found = await campaigns.warnings_of(info.context, self.row, self.shop)
        return [CampaignFaultType(fault=fault) for fault in found]

    @strawberry.field(
        description="What `campaignCancel` would do now.",
        extensions=requires(Scope.ORDERS_READ),
        directives=[Cost(weight=50)],
    )
    async def cancel_preview(self) -> CancelPreviewType:
        preview = await campaigns.cancel_preview(self.row)
        return CancelPreviewType(preview=preview, currency=self.row.currency)

    @strawberry.field(
        description="What visitors made of it within a time, and what they ordered and paid.",
        extensions=requires(Scope.ANALYTICS_READ),
        directives=[Cost(weight=50)],
    )
    async def funnel(self, from_: SalesFrom, until: SalesUntil) -> FunnelType:
        funnel = await analytics.find_funnel(self.row, begins_at=from_, ends_at=until)
        return FunnelType(row=funnel)

    @strawberry.field(
        description="What `campaignClose` would leave open now.",
        extensions=requires(Scope.ORDERS_READ),
    )
    async def close_preview(self) -> ClosePreviewType:
        preview = await campaigns.close_preview(self.row)
        return ClosePreviewType(preview=preview, currency=self.row.currency)

    @strawberry.field
    def created_at(self) -> datetime:
        return self.row.created_at

    @strawberry.field
    def published_at(self) -> datetime | None:
        return self.row.published_at

    @strawberry.field
    def cancelled_at(self) -> datetime | None:
        return self.row.cancelled_at

    @strawberry.field(description="What buyers were told.")
    def cancel_reason(self) -> str | None:
        return self.row.cancel_reason or None

    @strawberry.field(description="Send it back with a change; it rises with every one.")
    def version(self) -> int:
        return self.row.version


@strawberry.input(description="Which campaigns are wanted; all that are given have to fit.")
class AdminCampaignFilterInput:
    statuses: list[CampaignStatus] | None = strawberry.field(
        default=None, description="Any of these, by the clock."
    )
    search: str | None = strawberry.field(
        default=None, description="What the title or the handle contains; case does not count."
    )


@strawberry.input(description="The order of a list of campaigns.")
class AdminCampaignSortInput:
    by: CampaignSort = CampaignSort.OPENS_AT
    is_descending: bool = True
