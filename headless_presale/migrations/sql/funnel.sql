-- What visitors did with a campaign, by the hour. No foreign key: what was counted of a campaign
-- hinders nobody who takes it back and discards it.
CREATE TABLE funnel_hour (
    campaign_id  uuid NOT NULL,
    at           timestamptz NOT NULL,
    exposures    bigint NOT NULL,
    views        bigint NOT NULL,
    adds_to_cart bigint NOT NULL,
    checkouts    bigint NOT NULL,
    PRIMARY KEY (campaign_id, at)
);
