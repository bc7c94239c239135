"""Who waits for campaigns to open, and who wants no such mail any more."""

from typing import TYPE_CHECKING
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index

from headless_presale.kernel.indexes import WhereIndex
from headless_presale.kernel.models import Model

if TYPE_CHECKING:
    from headless_presale.campaigns.models import Campaign


class CampaignWatcher(Model):
    """Somebody who asked to be told when one campaign opens, and agreed to get a mail for it.

    ``person`` stands for an address in a shop (see :func:`headless_presale.notify_me.people.
    person_of`) and outlives ``email``, which is deleted once it has served. ``source`` says where
    the consent was given. ``told_at``: the mail of the opening is written; it is written once.
    """

    id = fields.UUIDField(primary_key=True)
    campaign_id: UUID
    campaign: fields.ForeignKeyRelation["Campaign"] = fields.ForeignKeyField(
        "presale.Campaign",
        related_name="watchers",
        db_index=False,
        # A draft that is discarded takes along who waited while it was scheduled.
        on_delete=fields.CASCADE,
    )
    person = fields.UUIDField()
    email = fields.CharField(max_length=320, null=True)
    locale = fields.CharField(max_length=10)
    source = fields.CharField(max_length=100)
    consented_at = fields.DatetimeField()
    confirmed_at = fields.DatetimeField(null=True)
    told_at = fields.DatetimeField(null=True)

    class Meta:
        table = "campaign_watcher"
        unique_together = (("campaign", "person"),)
        indexes = (
            WhereIndex(
                fields=("campaign_id", "id"),
                name="campaign_watcher_to_tell",
                where="told_at IS NULL AND confirmed_at IS NOT NULL",
            ),
            WhereIndex(
                fields=("consented_at",),
                name="campaign_watcher_unconfirmed",
                where="confirmed_at IS NULL",
            ),
            WhereIndex(
                fields=("campaign_id",),
                name="campaign_watcher_with_email",
                where="email IS NOT NULL",
            ),
            Index(fields=("person",), name="campaign_watcher_by_person"),
        )


class Unsubscribed(Model):
    """A person who wants no more mails about openings of a shop; kept without an address."""

    person = fields.UUIDField(primary_key=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "notify_me_unsubscribed"
