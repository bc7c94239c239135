-- Numbered slots. The primary key is the guard: a number exists once, and the UPDATE that takes it
-- names "order_id IS NULL".
CREATE TABLE slot (
    pool_id  uuid NOT NULL REFERENCES slot_pool (id) ON DELETE RESTRICT,
    number   integer NOT NULL CHECK (number > 0),
    order_id uuid,
    PRIMARY KEY (pool_id, number)
) WITH (fillfactor = 70);

-- Partial on purpose: a full index made the planner walk 200,000 NULLs.
CREATE INDEX slot_by_order ON slot (order_id) WHERE order_id IS NOT NULL;

-- What each customer has taken of a pool, so that limits hold with Redis empty.
CREATE TABLE customer_quota (
    pool_id     uuid NOT NULL REFERENCES slot_pool (id) ON DELETE RESTRICT,
    customer_id uuid NOT NULL,
    taken       integer NOT NULL CHECK (taken >= 0),
    PRIMARY KEY (pool_id, customer_id)
) WITH (fillfactor = 70);
