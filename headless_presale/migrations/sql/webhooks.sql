-- The shop that a topic is about; null where it is about none.
CREATE FUNCTION shop_of_topic(topic text) RETURNS uuid LANGUAGE plpgsql STABLE AS $$
DECLARE
    found uuid;
BEGIN
    IF topic LIKE 'order:%' THEN
        SELECT o.shop_id INTO found FROM sales_order o WHERE o.id = substr(topic, 7)::uuid;
    ELSIF topic LIKE 'campaign:%' THEN
        SELECT c.shop_id INTO found FROM campaign c WHERE c.id = substr(topic, 10)::uuid;
    END IF;
    RETURN found;
END $$;

-- A UUIDv7 with fractions of a millisecond: ids are in the order of their making.
CREATE FUNCTION webhook_delivery_id() RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    micros bigint := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
BEGIN
    RETURN (lpad(to_hex(micros / 1000), 12, '0')
        || '7' || lpad(to_hex(micros % 1000 * 4096 / 1000), 3, '0')
        || right(gen_random_uuid()::text, 17))::uuid;
END $$;

-- A delivery for each endpoint that listens, in the transaction of the event: there is no event
-- without its deliveries and no delivery without its event, and no statement more to send.
CREATE FUNCTION event_address_to_webhooks() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    subject_shop uuid;
    subject_merchant uuid;
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM webhook_endpoint WHERE disabled_at IS NULL AND deleted_at IS NULL
    ) THEN
        RETURN NULL;
    END IF;
    subject_shop := shop_of_topic(NEW.topic);
    SELECT s.merchant_id INTO subject_merchant FROM shop s WHERE s.id = subject_shop;
    INSERT INTO webhook_delivery (id, endpoint_id, event_id, shop_id, type, status, attempts,
        next_attempt_at, occurred_at)
    SELECT webhook_delivery_id(), w.id, NEW.id, subject_shop, NEW.type, 'PENDING', 0,
        NEW.created_at, NEW.created_at
    FROM webhook_endpoint w
    WHERE w.merchant_id = subject_merchant AND w.disabled_at IS NULL AND w.deleted_at IS NULL
      AND w.event_types && ARRAY[NEW.type::text, split_part(NEW.type, '.', 1) || '.*']
      AND (w.shop_ids IS NULL OR subject_shop = ANY(w.shop_ids));
    RETURN NULL;
END $$;

CREATE TRIGGER event_address_to_webhooks
    AFTER INSERT ON event FOR EACH ROW
    WHEN (NEW.topic LIKE 'order:%' OR NEW.topic LIKE 'campaign:%')
    EXECUTE FUNCTION event_address_to_webhooks();

-- Rows lie in the order of their time: a few pages of index find where a replay or a clean-up begins.
CREATE INDEX event_by_time ON event USING brin (created_at) WITH (pages_per_range = 32);
CREATE INDEX webhook_delivery_by_time ON webhook_delivery USING brin (occurred_at)
    WITH (pages_per_range = 32);
