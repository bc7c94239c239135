"""What the list tells. No address is in it."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from headless_presale.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyMeAsked(Event):
    """Somebody, new or known, asked to be told of an opening, in a shop that has it confirmed."""

    type: ClassVar[str] = "notify_me.asked"
    watcher_id: UUID

    @property
    def topic(self) -> str:
        return f"notify-me:{self.watcher_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyMeConfirmed(Event):
    """The owner of an address said by a mailed link that he wants to be told."""

    type: ClassVar[str] = "notify_me.confirmed"
    watcher_id: UUID
    campaign_id: UUID

    @property
    def topic(self) -> str:
        return f"notify-me:{self.watcher_id}"
