-- Before 1.0.0 there are no orders.
DROP TABLE IF EXISTS orders;
