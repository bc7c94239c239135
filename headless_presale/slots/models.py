"""Slots: numbered rows that are either free or an order's."""

from tortoise import fields

from headless_presale.kernel.models import Model


class SlotPool(Model):
    """A numbered run of slots, 1 to ``capacity``, for one campaign item.

    Those that were taken away leave holes, so there may be higher numbers than ``capacity``.

    The slots themselves (table ``slot``: pool_id, number, order_id) and what each customer has
    taken (``customer_quota``) have composite keys, which Tortoise does not model; they are made
    by migration and touched by the hand-written SQL of this context only.

    ``limit_per_customer`` of None means no limit. A pool that is not
    open gives out nothing more: its campaign was cancelled.
    """

    id = fields.UUIDField(primary_key=True)
    capacity = fields.IntField()
    limit_per_customer = fields.IntField(null=True)
    is_open = fields.BooleanField(default=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "slot_pool"
