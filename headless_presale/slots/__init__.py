"""Slots: virtual inventory as numbered rows, admitted by Redis, decided by the database."""

from headless_presale.slots.admission import (
    Admission,
    Admitted,
    AlreadyPlaced,
    OverLimit,
    PoolClosed,
    PoolUnknown,
    SoldOut,
    abort,
    admit,
    settle,
)
from headless_presale.slots.availability import count_available
from headless_presale.slots.ending import end_reservation
from headless_presale.slots.errors import (
    CapacityBelowSold,
    PoolRefusal,
    PurchaseLimitReached,
    SlotConflict,
    SlotsSoldOut,
)
from headless_presale.slots.loading import forget_counts, load_if_unknown, resync
from headless_presale.slots.models import SlotPool
from headless_presale.slots.reconciler import Drift, reconcile_open_pools, reconcile_pool
from headless_presale.slots.resizing import (
    count_in_ranges,
    extend_pool,
    lock_capacity,
    refill_pool,
    set_limit,
    shrink_pool,
)
from headless_presale.slots.service import (
    PoolOrder,
    claim,
    claim_all,
    close_pools,
    create_pool,
    discard_pools,
    move_quotas,
    pick_free,
    release,
    take_quota,
    take_quotas,
)

__all__ = [
    "Admission",
    "Admitted",
    "AlreadyPlaced",
    "CapacityBelowSold",
    "Drift",
    "OverLimit",
    "PoolClosed",
    "PoolOrder",
    "PoolRefusal",
    "PoolUnknown",
    "PurchaseLimitReached",
    "SlotConflict",
    "SlotPool",
    "SlotsSoldOut",
    "SoldOut",
    "abort",
    "admit",
    "claim",
    "claim_all",
    "close_pools",
    "count_available",
    "count_in_ranges",
    "create_pool",
    "discard_pools",
    "end_reservation",
    "extend_pool",
    "forget_counts",
    "load_if_unknown",
    "lock_capacity",
    "move_quotas",
    "pick_free",
    "reconcile_open_pools",
    "reconcile_pool",
    "refill_pool",
    "release",
    "resync",
    "set_limit",
    "settle",
    "shrink_pool",
    "take_quota",
    "take_quotas",
]
