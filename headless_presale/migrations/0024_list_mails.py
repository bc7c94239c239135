"""Mails of notify-me lists are found by their age, to be deleted."""

from tortoise import migrations
from tortoise.migrations import operations as ops

from headless_presale.kernel.indexes import WhereIndex


class Migration(migrations.Migration):
    """An index over these mails alone: those about orders stay."""

    dependencies = [("presale", "0023_trusted_documents")]

    initial = False

    operations = [
        ops.AddIndex(
            model_name="Message",
            index=WhereIndex(
                fields=["created_at"],
                name="message_of_lists",
                where="kind IN ('campaign_opened', 'notify_me_confirm')",
            ),
        ),
    ]
