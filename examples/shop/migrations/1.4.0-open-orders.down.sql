DROP INDEX IF EXISTS open_orders;
