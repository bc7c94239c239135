"""The notify-me list: people who are told once when a campaign opens, because they asked for it."""

from headless_presale.notify_me.asking import (
    NotifyMe,
    Waiting,
    confirm,
    find_waiting,
    notify_me,
)
from headless_presale.notify_me.awaiting import Awaited, list_awaited
from headless_presale.notify_me.errors import NotifyMeClosed
from headless_presale.notify_me.events import NotifyMeAsked, NotifyMeConfirmed
from headless_presale.notify_me.models import CampaignWatcher, Unsubscribed
from headless_presale.notify_me.people import confirm_token, person_of, unsubscribe_token
from headless_presale.notify_me.telling import (
    Watcher,
    WatcherCount,
    WatcherState,
    claim_watchers,
    count_watchers,
    find_watcher,
    find_watchers,
    is_awaited,
)
from headless_presale.notify_me.unsubscribing import is_unsubscribed, resubscribe, unsubscribe

__all__ = [
    "Awaited",
    "CampaignWatcher",
    "NotifyMe",
    "NotifyMeAsked",
    "NotifyMeClosed",
    "NotifyMeConfirmed",
    "Unsubscribed",
    "Waiting",
    "Watcher",
    "WatcherCount",
    "WatcherState",
    "claim_watchers",
    "confirm",
    "confirm_token",
    "count_watchers",
    "find_waiting",
    "find_watcher",
    "find_watchers",
    "is_awaited",
    "is_unsubscribed",
    "list_awaited",
    "notify_me",
    "person_of",
    "resubscribe",
    "unsubscribe",
    "unsubscribe_token",
]
