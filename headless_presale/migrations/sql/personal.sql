-- What somebody consented to, and when he withdrew it, stays written until he is erased: erasing
-- says so for its own transaction.
CREATE FUNCTION is_erasing() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('presale.erasing', true), '') = 'on'
$$;

CREATE FUNCTION customer_consent_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND is_erasing() THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'consents are append-only' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER customer_consent_append_only
    BEFORE UPDATE OR DELETE ON customer_consent
    FOR EACH ROW EXECUTE FUNCTION customer_consent_refuse_change();
