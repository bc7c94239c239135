"""Every table there is, and what of a person is in it: the one list that erasing goes by.

A test compares it with the database, so that a new table has to be entered here; another one has a
person do everything there is, erases him, and looks for him in every column.

Statements name what they need of :class:`Traces`, such as ``%(orders)s``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

TELLING = ("status", "terms", "note_id", "refunded_minor", "refund_minor", "kept_minor")
"""What the log keeps of a change of an order: what says nothing of anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """Where a person can be found.

    Attributes:
        accounts: his own; not every customer whose id his orders carry, for ``ß`` and ``ss`` make
            one id and are two mailboxes.
        buyers: the ids that his orders carry.
        email: as accounts have it; empty where there is none.
        tombstone: what his orders carry from now on.
        pools: what his orders are of.
        subjects: what mails to him are about: orders, refunds, new links, campaigns that open.
        topics, events: of his orders.
        endpoints: where the merchant's systems are told of events.
        watchers: where he waits for a campaign to open.
        mails: kinds of mails about those subjects.
    """

    shop_id: UUID
    email: str
    accounts: Sequence[UUID]
    buyers: Sequence[UUID]
    tombstone: UUID
    orders: Sequence[UUID]
    pools: Sequence[UUID]
    subjects: Sequence[UUID]
    topics: Sequence[str]
    events: Sequence[int]
    endpoints: Sequence[UUID]
    watchers: Sequence[UUID]
    mails: Sequence[str]
    at: datetime
    telling: Sequence[str] = TELLING


@dataclass(frozen=True, slots=True)
class Step:
    """A statement that takes a person out of a table."""

    table: str
    sql: str

    def bind(self, traces: Traces) -> tuple[str, list[object]]:
        """Return the statement as PostgreSQL takes it, and its values."""
        values = asdict(traces)
        names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", self.sql)))
        places = {name: f"${place}" for place, name in enumerate(names, start=1)}
        return self.sql % places, [values[name] for name in names]


_OWNED = (
    "SELECT s.pool_id, o.customer_id, count(*) AS taken FROM slot s "
    "JOIN sales_order o ON o.id = s.order_id WHERE s.order_id = ANY(%(orders)s::uuid[]) "
    "GROUP BY s.pool_id, o.customer_id"
)
_KEPT_OF = (
    "(SELECT coalesce(jsonb_object_agg(key, value), '{{}}') FROM jsonb_each(audit_entry.{0}) "
    "WHERE key = ANY(%(telling)s::text[]))"
)

_EMPTIED = (
    "UPDATE message SET recipient = '', context = '{}', claimed_until = NULL, "
    "failure = CASE WHEN sent_at IS NULL THEN 'erased' ELSE '' END, "
    "failed_at = CASE WHEN sent_at IS NULL THEN coalesce(failed_at, %(at)s) END"
)

STEPS: Sequence[Step] = (
    # What delivered orders own stays counted, under the new name.
    Step(
        "customer_quota",
        "INSERT INTO customer_quota (pool_id, customer_id, taken) "
        f"SELECT pool_id, %(tombstone)s, sum(taken) FROM ({_OWNED}) AS owned GROUP BY pool_id",
    ),
    Step(
        "customer_quota",
        "UPDATE customer_quota q SET taken = q.taken - owned.taken "
        f"FROM ({_OWNED}) AS owned "
        "WHERE q.pool_id = owned.pool_id AND q.customer_id = owned.customer_id",
    ),
    Step(
        "customer_quota",
        "DELETE FROM customer_quota WHERE pool_id = ANY(%(pools)s::uuid[]) "
        "AND customer_id = ANY(%(buyers)s::uuid[]) AND taken = 0",
    ),
    Step(
        "order_note",
        "UPDATE order_note SET text = '' WHERE order_id = ANY(%(orders)s::uuid[])",
    ),
    Step(
        "merchant_refund",
        "UPDATE merchant_refund SET reason = '', request_hash = '' "
        "WHERE order_id = ANY(%(orders)s::uuid[])",
    ),
    # Where the buyer is sent back to may have his order's token in it.
    Step(
        "payment",
        "UPDATE payment SET client_action = NULL WHERE order_id = ANY(%(orders)s::uuid[])",
    ),
    # What receivers answered may repeat what they were told.
    Step(
        "webhook_attempt",
        "UPDATE webhook_attempt a SET response_body = '' FROM webhook_delivery d "
        "WHERE a.delivery_id = d.id AND d.endpoint_id = ANY(%(endpoints)s::uuid[]) "
        "AND d.event_id = ANY(%(events)s::bigint[])",
    ),
    # Reasons are texts of people. A hash of one tells it to whoever can guess it.
    Step(
        "event",
        "UPDATE event SET payload = payload || (SELECT coalesce(jsonb_object_agg(key, ''), '{}') "
        "FROM jsonb_object_keys(payload) AS key WHERE key IN ('reason', 'request_hash')), "
        "actor = CASE WHEN actor LIKE 'customer:%%' THEN 'buyer' ELSE actor END "
        "WHERE topic = ANY(%(topics)s::text[]) "
        "AND (payload ?| ARRAY['reason', 'request_hash'] OR actor LIKE 'customer:%%')",
    ),
    Step(
        "event",
        "DELETE FROM event WHERE type = 'customer.merged' "
        "AND payload ->> 'customer_id' = ANY(%(accounts)s::uuid[]::text[])",
    ),
    Step(
        "audit_entry",
        f"UPDATE audit_entry SET before = {_KEPT_OF.format('before')}, "
        f"after = {_KEPT_OF.format('after')} "
        "WHERE subject_id = ANY(%(orders)s::uuid[]) AND subject_type = 'Order'",
    ),
    # One that waits is not sent any more. What the mail server said names the address.
    Step(
        "message",
        f"{_EMPTIED} WHERE subject_id = ANY(%(subjects)s::uuid[]) "
        "AND kind = ANY(%(mails)s::text[])",
    ),
    # Codes that have been forgotten are of no shop any more.
    Step(
        "message",
        f"{_EMPTIED} WHERE kind = 'sign_in_code' AND recipient = %(email)s "
        "AND NOT EXISTS (SELECT 1 FROM customer_code c WHERE c.id = message.subject_id "
        "AND c.shop_id <> %(shop_id)s)",
    ),
    # That a copy is ready. One may have expired, and its row be gone, long before.
    Step(
        "message",
        f"{_EMPTIED} WHERE kind = 'personal_data_ready' AND recipient = %(email)s "
        "AND context ->> 'shop_id' = %(shop_id)s::uuid::text",
    ),
    Step(
        "campaign_watcher",
        "DELETE FROM campaign_watcher WHERE id = ANY(%(watchers)s::uuid[])",
    ),
    Step(
        "customer_code",
        "DELETE FROM customer_code WHERE shop_id = %(shop_id)s AND email = %(email)s",
    ),
    Step(
        "customer_refresh_token",
        "DELETE FROM customer_refresh_token t USING customer_grant g "
        "WHERE t.grant_id = g.id AND g.customer_id = ANY(%(accounts)s::uuid[])",
    ),
    *(
        Step(table, f"DELETE FROM {table} WHERE customer_id = ANY(%(accounts)s::uuid[])")
        for table in (
            "customer_grant",
            "customer_identity",
            "customer_address",
            "customer_consent",
            "customer_mail_choice",
            "personal_data_export",
        )
    ),
    Step("customer", "DELETE FROM customer WHERE id = ANY(%(accounts)s::uuid[])"),
    # The country stays: what is owed in tax goes by it. Tokens that were given out open nothing.
    Step(
        "sales_order",
        "UPDATE sales_order SET customer_id = %(tombstone)s, request_hash = '', "
        "closed_reason = '', version = version + 1, updated_at = %(at)s, "
        "access_generation = access_generation + 1, "
        'buyer = \'{"email": "", "name": "", "phone": null}\', '
        "shipping_address = jsonb_build_object('country', shipping_address->'country', "
        "'city', '', 'line1', '', 'line2', NULL, 'region', NULL, 'postal_code', NULL) "
        "WHERE id = ANY(%(orders)s::uuid[])",
    ),
)
"""In this order: what is asked for by ids that later steps take away comes first."""

_STAFFS = "of the merchant's own people and systems"
_SHOPS = "what a shop sells"
_MONEY = "amounts and ids of orders: books stay as they are"
_JOBS = "arguments are ids"

KEPT: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "account",
            "external_identity",
            "invitation",
            "merchant",
            "oauth_client",
            "oauth_code",
            "oauth_consent",
            "oauth_grant",
            "oauth_refresh_token",
            "passkey",
            "password_reset",
            "recovery_code",
            "sign_in_session",
            "staff_member",
            "webhook_endpoint",
        ),
        _STAFFS,
    ),
    **dict.fromkeys(
        (
            "campaign",
            "campaign_item",
            "campaign_terms",
            "customer_sign_in_provider",
            "media_asset",
            "product",
            "product_file",
            "product_file_piece",
            "product_import",
            "product_media",
            "product_option",
            "product_variant",
            "production_batch",
            "shop",
            "slot_pool",
            "trusted_document",
        ),
        _SHOPS,
    ),
    **dict.fromkeys(("ledger_entry", "ledger_transaction", "payment_key", "refund"), _MONEY),
    **dict.fromkeys(
        (
            "procrastinate_events",
            "procrastinate_jobs",
            "procrastinate_periodic_defers",
            "procrastinate_workers",
        ),
        _JOBS,
    ),
    "cart": "goes with its customer; a guest's says nothing of him",
    "cart_line": "goes with its cart",
    "customer_sign_in_flow": "hashes of a browser that is on its way, for minutes",
    "erasure": "that it was done, under a random id",
    "funnel_hour": "counts",
    "gateway_event": "intents and refunds by their ids; a gateway that tells more has to drop it",
    "notify_me_unsubscribed": "hashes under a secret key: who was left alone stays so",
    "order_line": "what was bought at which price",
    "personal_data_export_piece": "goes with its copy",
    "sales_change": "sums",
    "sales_sum": "sums",
    "signing_key": "keys",
    "slot": "numbers and ids of orders",
    "throttle": "hashes under a secret key, for a day; that of who erases himself goes with him",
    "tortoise_migrations": "names of migrations",
    "webhook_delivery": "ids; what is sent is made of the event",
}
"""Table -> why nothing of a person is in it."""

ERASED = frozenset(step.table for step in STEPS)
