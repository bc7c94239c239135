"""What slots say no with."""

from uuid import UUID

from headless_presale.kernel.errors import DomainError, PresaleError


class PoolRefusal(DomainError):
    """What one pool refuses. Which it is, the caller tells in words of his own input.

    Attributes:
        pool_id: None where only one pool is asked.
    """

    def __init__(
        self, *, pool_id: UUID | None = None, field: tuple[str, ...] = (), **params: object
    ) -> None:
        super().__init__(field=field, **params)
        self.pool_id = pool_id


class SlotsSoldOut(PoolRefusal):
    """Fewer slots are left than were asked for. ``params``: remaining."""

    code = "SLOTS_SOLD_OUT"
    template = "only {remaining} slots are left"


class PurchaseLimitReached(PoolRefusal):
    """This customer would own more than the limit. ``params``: limit, taken."""

    code = "PURCHASE_LIMIT"
    template = "at most {limit} per customer, and {taken} are taken already"


class CapacityBelowSold(DomainError):
    """Orders own more than the pool is to have. ``params``: owned, those under way included."""

    code = "CAPACITY_BELOW_SOLD"
    template = "{owned} slots are sold or held"


class SlotConflict(PresaleError):
    """The database refused numbers that Redis gave out: Redis was behind. Resync and try again."""
