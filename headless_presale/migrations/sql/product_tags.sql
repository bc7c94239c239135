-- Lists of products by a tag. GIN knows no order: where a tag is common, the planner walks the list's
-- own index instead.
CREATE INDEX product_by_tag ON product USING gin (tags);
