-- A merchant for every shop that has none: an organisation of the shop's name.
WITH orphan AS (
    SELECT id AS shop_id, gen_random_uuid() AS merchant_id, name, created_at
    FROM shop WHERE merchant_id IS NULL
), made AS (
    INSERT INTO merchant (id, name, created_at) SELECT merchant_id, name, created_at FROM orphan
)
UPDATE shop SET merchant_id = orphan.merchant_id FROM orphan WHERE shop.id = orphan.shop_id;
-- The foreign key's check is deferred to the end; what follows alters the table.
SET CONSTRAINTS ALL IMMEDIATE;
