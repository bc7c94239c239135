"""How what is known of a customer is read, with the names that his copy has them under.

What is left out: hashes, tokens, what gateways and providers keep, who of the staff did it.
"""

from collections.abc import Mapping

OWN: Mapping[str, str] = {
    "identities": """
SELECT kind, issuer, subject, union_id AS "unionId", created_at AS "createdAt"
FROM customer_identity WHERE customer_id = $1 ORDER BY id""",
    "addresses": """
SELECT name, phone, country, region, city, line1, line2, postal_code AS "postalCode",
    preferred_at AS "preferredAt", created_at AS "createdAt", updated_at AS "updatedAt"
FROM customer_address WHERE customer_id = $1 ORDER BY id""",
    "consents": """
SELECT kind, is_given AS "isGiven", text_version AS "textVersion", source, locale, at
FROM customer_consent WHERE customer_id = $1 ORDER BY id""",
    "mailChoices": """
SELECT kind, is_on AS "isOn", changed_at AS "changedAt"
FROM customer_mail_choice WHERE customer_id = $1 ORDER BY kind""",
    "signIns": """
SELECT created_at AS "createdAt", expires_at AS "expiresAt", revoked_at AS "endedAt",
    revoked_reason AS "endedBy"
FROM customer_grant WHERE customer_id = $1 ORDER BY id""",
}
"""By the customer's id; each is of a few rows."""

CODES = """
SELECT created_at AS "createdAt", expires_at AS "expiresAt", ended_at AS "endedAt",
    attempts AS "wrongTries", locale
FROM customer_code WHERE shop_id = $1 AND email = $2 ORDER BY id"""

WATCHERS = """
SELECT w.campaign_id AS "campaignId", c.title AS campaign, w.email, w.locale, w.source,
    w.consented_at AS "consentedAt", w.confirmed_at AS "confirmedAt", w.told_at AS "toldAt"
FROM campaign_watcher w JOIN campaign c ON c.id = w.campaign_id
WHERE w.person = $1 AND c.shop_id = $2 ORDER BY w.id"""

UNSUBSCRIBED = "SELECT created_at FROM notify_me_unsubscribed WHERE person = $1"

CART = "SELECT id, currency, created_at, expires_at FROM cart WHERE customer_id = $1"
CART_LINES = "SELECT item_id, quantity, shown FROM cart_line WHERE cart_id = $1 ORDER BY id"

EVENTS = """
SELECT topic, type, payload, actor, created_at FROM event WHERE topic = ANY($1::text[])
ORDER BY topic, id"""

OF_ORDERS: Mapping[str, str] = {
    "payments": """
SELECT p.order_id, p.leg, p.gateway, p.status, p.amount_minor AS "amountMinor", p.currency,
    p.failure_code AS "failureCode", p.created_at AS "createdAt", p.captured_at AS "capturedAt",
    coalesce((SELECT json_agg(json_build_object('status', r.status, 'amountMinor', r.amount_minor,
        'currency', r.currency, 'createdAt', r.created_at, 'settledAt', r.settled_at)
        ORDER BY r.created_at, r.id) FROM refund r WHERE r.payment_id = p.id), '[]') AS refunds
FROM payment p WHERE p.order_id = ANY($1::uuid[]) ORDER BY p.created_at, p.id""",
    "merchantRefunds": """
SELECT order_id, amount_minor AS "amountMinor", currency, reason, created_at AS "createdAt"
FROM merchant_refund WHERE order_id = ANY($1::uuid[]) ORDER BY created_at, id""",
}
"""By the ids of orders."""

# A mail knows no shop: what it is about does. Codes are known for as long as they count. Those, and
# that a copy was ready, are of whose mailbox it is: an order may name a stranger's.
MAILS = """
SELECT m.id, m.kind, m.recipient, m.locale, m.created_at AS "writtenAt", m.sent_at AS "sentAt",
    m.failed_at AS "failedAt"
FROM message m WHERE m.recipient = ANY($1::text[]) AND m.id > $2 AND (
    m.kind = ANY($6::text[]) AND EXISTS (SELECT 1 FROM sales_order o
        WHERE o.id = (m.context ->> 'order_id')::uuid
            AND o.shop_id = $3::uuid AND o.customer_id = $4)
    OR m.kind = ANY($7::text[]) AND EXISTS (SELECT 1 FROM campaign_watcher w
        WHERE w.id = m.subject_id AND w.person = $5::uuid)
    OR m.recipient = $11 AND (
        m.kind = $8 AND EXISTS (SELECT 1 FROM customer_code c
            WHERE c.id = m.subject_id AND c.shop_id = $3::uuid)
        OR m.kind = $9 AND m.context ->> 'shop_id' = $3::uuid::text))
ORDER BY m.id LIMIT $10"""
