-- What each batch has of its range of numbers: counted here once, kept by every change of a cap.
UPDATE production_batch b SET capacity = (
    SELECT count(*) FROM campaign_item i JOIN slot s ON s.pool_id = i.pool_id
    WHERE i.id = b.item_id AND s.number BETWEEN b.first_number AND b.last_number
);
