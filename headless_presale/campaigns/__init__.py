"""Campaigns: what is presold, when, at which price, under which terms."""

from headless_presale.campaigns.changing import change_capacity, extend_campaign
from headless_presale.campaigns.creating import ShopRef, create_campaign
from headless_presale.campaigns.draft import (
    CampaignDraft,
    CampaignFileUnreadable,
    read_campaign_file,
)
from headless_presale.campaigns.errors import (
    CampaignConflict,
    CampaignNotFound,
    CampaignNotOpen,
    CampaignNotPublishable,
    ItemNotFound,
)
from headless_presale.campaigns.events import (
    BatchAdded,
    CampaignCancelled,
    CampaignClosed,
    CampaignExtended,
    CampaignOpened,
    CampaignPublished,
    CapacityChanged,
    TermsRevised,
)
from headless_presale.campaigns.models import Campaign, CampaignItem
from headless_presale.campaigns.rules import (
    CancelPolicy,
    CancelRule,
    Fault,
    MissedBalance,
    PaymentPlan,
    PlanKind,
)
from headless_presale.campaigns.service import (
    add_batch,
    cancel_campaign,
    discard_draft,
    judge,
    publish_campaign,
    revise_terms,
    sweep_openings_and_closings,
)
from headless_presale.campaigns.snapshot import (
    BatchSnapshot,
    CampaignSnapshot,
    ItemSnapshot,
    TermsSnapshot,
    find_snapshot,
    find_snapshots_of_items,
    forget,
    forget_all,
    is_sellable,
    list_snapshots,
)
from headless_presale.campaigns.states import CAMPAIGN_LIFECYCLE, CampaignStatus, status_at

__all__ = [
    "CAMPAIGN_LIFECYCLE",
    "BatchAdded",
    "BatchSnapshot",
    "Campaign",
    "CampaignCancelled",
    "CampaignClosed",
    "CampaignConflict",
    "CampaignDraft",
    "CampaignExtended",
    "CampaignFileUnreadable",
    "CampaignItem",
    "CampaignNotFound",
    "CampaignNotOpen",
    "CampaignNotPublishable",
    "CampaignOpened",
    "CampaignPublished",
    "CampaignSnapshot",
    "CampaignStatus",
    "CancelPolicy",
    "CancelRule",
    "CapacityChanged",
    "Fault",
    "ItemNotFound",
    "ItemSnapshot",
    "MissedBalance",
    "PaymentPlan",
    "PlanKind",
    "ShopRef",
    "TermsRevised",
    "TermsSnapshot",
    "add_batch",
    "cancel_campaign",
    "change_capacity",
    "create_campaign",
    "discard_draft",
    "extend_campaign",
    "find_snapshot",
    "find_snapshots_of_items",
    "forget",
    "forget_all",
    "is_sellable",
    "judge",
    "list_snapshots",
    "publish_campaign",
    "read_campaign_file",
    "revise_terms",
    "status_at",
    "sweep_openings_and_closings",
]
