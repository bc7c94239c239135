-- When orders that there are already were sold, and when their slots went back.
UPDATE sales_order o SET sold_at = confirmed.at
FROM (
    SELECT substr(topic, 7)::uuid AS order_id, max(created_at) AS at
    FROM event WHERE type = 'order.confirmed' AND topic LIKE 'order:%' GROUP BY topic
) AS confirmed
WHERE confirmed.order_id = o.id;
UPDATE sales_order SET sold_at = updated_at
WHERE sold_at IS NULL AND status IN ('DEPOSIT_PAID', 'AWAITING_BALANCE', 'PAID', 'FORFEITED');
UPDATE sales_order SET released_at = updated_at
WHERE status IN ('EXPIRED', 'FORFEITED', 'CANCELLED');

-- What an order's slots did, and when: taken, sold, given back. An order that claimed its slots
-- again after its hold ran out did not give them back.
CREATE FUNCTION sales_of_order(
    placed_at timestamptz, sold_at timestamptz, released_at timestamptz, quantity integer
) RETURNS TABLE (at timestamptz, held bigint, sold bigint, returned bigint, returned_sold bigint)
LANGUAGE sql IMMUTABLE AS $$
    SELECT * FROM (VALUES
        (placed_at, quantity::bigint, 0::bigint, 0::bigint, 0::bigint),
        (sold_at, 0, quantity, 0, 0),
        (released_at, 0, 0, quantity, CASE WHEN sold_at IS NULL THEN 0 ELSE quantity END)
    ) AS moved(at, held, sold, returned, returned_sold) WHERE at IS NOT NULL
$$;

-- The payment that a booking at a gateway is of; null where its source names none.
CREATE FUNCTION sales_payment_of(kind text, source text) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN kind = 'capture' AND source ~ '^capture:[0-9a-f-]{36}$' THEN substr(source, 9)::uuid
        WHEN kind = 'refund_paid' AND source ~ '^refund_paid:[0-9a-f-]{36}$'
            THEN (SELECT r.payment_id FROM refund r WHERE r.id = substr(source, 13)::uuid)
    END
$$;

-- What the ledger says gateways took in and paid back, by the leg it was paid for.
CREATE VIEW sales_money AS
SELECT e.id AS entry_id, t.shop_id, o.campaign_id, e.currency, t.booked_at AS at,
    CASE WHEN p.leg = 'DEPOSIT' THEN greatest(e.amount_minor, 0) ELSE 0 END AS deposit_captured,
    CASE WHEN p.leg = 'DEPOSIT' THEN greatest(-e.amount_minor, 0) ELSE 0 END AS deposit_refunded,
    CASE WHEN p.leg = 'BALANCE' THEN greatest(e.amount_minor, 0) ELSE 0 END AS balance_captured,
    CASE WHEN p.leg = 'BALANCE' THEN greatest(-e.amount_minor, 0) ELSE 0 END AS balance_refunded,
    CASE WHEN p.leg = 'FULL' THEN greatest(e.amount_minor, 0) ELSE 0 END AS full_captured,
    CASE WHEN p.leg = 'FULL' THEN greatest(-e.amount_minor, 0) ELSE 0 END AS full_refunded
FROM ledger_entry e
JOIN ledger_transaction t ON t.id = e.transaction_id
JOIN sales_order o ON o.id = t.order_id
JOIN payment p ON p.id = sales_payment_of(t.kind, t.source)
WHERE e.account = 'GATEWAY' AND t.kind IN ('capture', 'refund_paid');

-- The books as charts want them: what the sums below have to add up to.
CREATE VIEW sales_booked AS
SELECT o.shop_id, o.campaign_id, o.currency, moved.at,
    moved.held, moved.sold, moved.returned, moved.returned_sold,
    0::bigint AS deposit_captured, 0::bigint AS deposit_refunded,
    0::bigint AS balance_captured, 0::bigint AS balance_refunded,
    0::bigint AS full_captured, 0::bigint AS full_refunded
FROM sales_order o, sales_of_order(o.placed_at, o.sold_at, o.released_at, o.quantity) AS moved
UNION ALL
SELECT shop_id, campaign_id, currency, at, 0, 0, 0, 0,
    deposit_captured, deposit_refunded, balance_captured, balance_refunded,
    full_captured, full_refunded
FROM sales_money;

-- Sums by quarter of an hour, of a shop or of a campaign (``subject_id``): the longest time that
-- every time zone's hours and days are made of. Amounts are minor units.
CREATE TABLE sales_sum (
    subject_id       uuid NOT NULL,
    at               timestamptz NOT NULL,
    currency         varchar(3) NOT NULL,
    held             bigint NOT NULL,
    sold             bigint NOT NULL,
    returned         bigint NOT NULL,
    returned_sold    bigint NOT NULL,
    deposit_captured bigint NOT NULL,
    deposit_refunded bigint NOT NULL,
    balance_captured bigint NOT NULL,
    balance_refunded bigint NOT NULL,
    full_captured    bigint NOT NULL,
    full_refunded    bigint NOT NULL,
    PRIMARY KEY (subject_id, at, currency)
);

-- What is not in the sums yet: one row per change, written with the change itself. Writers never
-- meet on a row of the sums; a job moves these there.
CREATE TABLE sales_change (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id          uuid NOT NULL,
    campaign_id      uuid NOT NULL,
    at               timestamptz NOT NULL,
    currency         varchar(3) NOT NULL,
    held             bigint NOT NULL DEFAULT 0,
    sold             bigint NOT NULL DEFAULT 0,
    returned         bigint NOT NULL DEFAULT 0,
    returned_sold    bigint NOT NULL DEFAULT 0,
    deposit_captured bigint NOT NULL DEFAULT 0,
    deposit_refunded bigint NOT NULL DEFAULT 0,
    balance_captured bigint NOT NULL DEFAULT 0,
    balance_refunded bigint NOT NULL DEFAULT 0,
    full_captured    bigint NOT NULL DEFAULT 0,
    full_refunded    bigint NOT NULL DEFAULT 0
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
CREATE INDEX sales_change_by_shop ON sales_change (shop_id, at);

CREATE FUNCTION sales_note_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO sales_change
            (shop_id, campaign_id, at, currency, held, sold, returned, returned_sold)
        SELECT NEW.shop_id, NEW.campaign_id, moved.at, NEW.currency,
            moved.held, moved.sold, moved.returned, moved.returned_sold
        FROM sales_of_order(NEW.placed_at, NEW.sold_at, NEW.released_at, NEW.quantity) AS moved;
    ELSE
        -- What it is now, less what it was.
        INSERT INTO sales_change
            (shop_id, campaign_id, at, currency, held, sold, returned, returned_sold)
        SELECT NEW.shop_id, NEW.campaign_id, moved.at, NEW.currency,
            sum(sign * moved.held), sum(sign * moved.sold),
            sum(sign * moved.returned), sum(sign * moved.returned_sold)
        FROM (
            SELECT 1 AS sign, now_.*
            FROM sales_of_order(NEW.placed_at, NEW.sold_at, NEW.released_at, NEW.quantity) AS now_
            UNION ALL
            SELECT -1, was.*
            FROM sales_of_order(OLD.placed_at, OLD.sold_at, OLD.released_at, OLD.quantity) AS was
        ) AS moved
        GROUP BY moved.at
        HAVING sum(sign * moved.held) <> 0 OR sum(sign * moved.sold) <> 0
            OR sum(sign * moved.returned) <> 0 OR sum(sign * moved.returned_sold) <> 0;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER sales_order_placed
    AFTER INSERT ON sales_order
    FOR EACH ROW EXECUTE FUNCTION sales_note_order();
CREATE TRIGGER sales_order_moved
    AFTER UPDATE ON sales_order
    FOR EACH ROW
    WHEN ((OLD.placed_at, OLD.sold_at, OLD.released_at, OLD.quantity)
        IS DISTINCT FROM (NEW.placed_at, NEW.sold_at, NEW.released_at, NEW.quantity))
    EXECUTE FUNCTION sales_note_order();

CREATE FUNCTION sales_note_money() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sales_change (
        shop_id, campaign_id, at, currency, deposit_captured, deposit_refunded,
        balance_captured, balance_refunded, full_captured, full_refunded)
    SELECT shop_id, campaign_id, at, currency, deposit_captured, deposit_refunded,
        balance_captured, balance_refunded, full_captured, full_refunded
    FROM sales_money WHERE entry_id = NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER sales_money_booked
    AFTER INSERT ON ledger_entry
    FOR EACH ROW WHEN (NEW.account = 'GATEWAY')
    EXECUTE FUNCTION sales_note_money();

-- What there is already.
INSERT INTO sales_sum
SELECT subject_id, date_bin('15 minutes', at, 'epoch'), currency,
    sum(held), sum(sold), sum(returned), sum(returned_sold),
    sum(deposit_captured), sum(deposit_refunded), sum(balance_captured), sum(balance_refunded),
    sum(full_captured), sum(full_refunded)
FROM sales_booked, LATERAL (VALUES (shop_id), (campaign_id)) AS subject(subject_id)
GROUP BY 1, 2, 3;
