-- The merchant's lists and the search by prefix. Compared byte by byte ("C"), because only then does
-- one index serve both the order and LIKE 'text%'.
CREATE INDEX product_by_title ON product (shop_id, (lower(title) COLLATE "C"), id);
CREATE INDEX product_by_handle ON product (shop_id, (lower(handle) COLLATE "C"));
CREATE INDEX product_variant_by_sku_prefix ON product_variant ((lower(sku) COLLATE "C"))
    WHERE sku IS NOT NULL;
