"""What is on sale: campaigns that merchants open and buyers choose from."""

from dataclasses import dataclass, field
from uuid import UUID

SHOP = "atelier"


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An item of an open campaign."""

    id: UUID
    pool_id: UUID
    limit: int | None


@dataclass(frozen=True, slots=True)
class OpenCampaign:
    """A campaign that was opened.

    Attributes:
        is_short: it closes within the run, so that balances fall due.
    """

    id: UUID
    items: tuple[OpenItem, ...]
    terms_version: int
    is_short: bool


@dataclass(slots=True)
class Market:
    """The campaigns buyers know of; some of them may be over by now."""

    shop_id: UUID
    campaigns: dict[UUID, OpenCampaign] = field(default_factory=dict)
    cancelled: set[UUID] = field(default_factory=set)

    @property
    def on_sale(self) -> list[OpenCampaign]:
        """The latest few: buyers look at what is new."""
        return list(self.campaigns.values())[-4:]
