-- The worker looks for open orders all the time, and most orders are done.
CREATE INDEX IF NOT EXISTS open_orders ON orders (id) WHERE state = 'open';
