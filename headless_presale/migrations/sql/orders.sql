-- What was written about an order stays written.
CREATE FUNCTION order_note_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'notes of orders are append-only' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER order_note_append_only
    BEFORE UPDATE OR DELETE ON order_note
    FOR EACH ROW EXECUTE FUNCTION order_note_refuse_change();
