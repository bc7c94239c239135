-- The log and the notes stay written. Where a person is erased their texts may be emptied: who did
-- what and when stays, and so does everything where nobody says that he erases.
CREATE OR REPLACE FUNCTION audit_log_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND is_erasing() THEN
        OLD.before := NEW.before;
        OLD.after := NEW.after;
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'restrict_violation';
END $$;

CREATE OR REPLACE FUNCTION order_note_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND is_erasing() AND NEW.text = '' THEN
        OLD.text := NEW.text;
        IF OLD IS NOT DISTINCT FROM NEW THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'notes of orders are append-only' USING ERRCODE = 'restrict_violation';
END $$;
