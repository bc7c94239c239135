"""What campaigns tell."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from headless_presale.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignEvent(Event):
    """Base: something about one campaign."""

    campaign_id: UUID

    @property
    def topic(self) -> str:
        return f"campaign:{self.campaign_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPublished(CampaignEvent):
    """It is scheduled; it opens by the clock."""

    type: ClassVar[str] = "campaign.published"
    opens_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRescheduled(CampaignEvent):
    """Before its opening it was given other times."""

    type: ClassVar[str] = "campaign.rescheduled"
    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignUnscheduled(CampaignEvent):
    """Before its opening it became a draft again."""

    type: ClassVar[str] = "campaign.unscheduled"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignEdited(CampaignEvent):
    """What is shown of it has changed. ``fields`` are their names in the API."""

    type: ClassVar[str] = "campaign.edited"
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignOpened(CampaignEvent):
    """The sweep recorded the opening."""

    type: ClassVar[str] = "campaign.opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignClosed(CampaignEvent):
    """It takes no more orders: by the clock, or by its merchant before the time, with a reason."""

    type: ClassVar[str] = "campaign.closed"
    is_early: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCancelled(CampaignEvent):
    """The merchant called it off; every order is cancelled and refunded in full."""

    type: ClassVar[str] = "campaign.cancelled"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsRevised(CampaignEvent):
    """A new version of the terms is in force for orders from now on."""

    type: ClassVar[str] = "campaign.terms_revised"
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAdded(CampaignEvent):
    """More slots, with their own promise."""

    type: ClassVar[str] = "campaign.batch_added"
    item_id: UUID
    capacity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityChanged(CampaignEvent):
    """An item has more slots than before, or fewer."""

    type: ClassVar[str] = "campaign.capacity_changed"
    item_id: UUID
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignExtended(CampaignEvent):
    """It closes later. ``before`` and ``after`` are the closes."""

    type: ClassVar[str] = "campaign.extended"
    before: datetime
    after: datetime
    reason: str
