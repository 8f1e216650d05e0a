-- The table of orders, unless the web service of a release without migrations has made it.
CREATE TABLE IF NOT EXISTS orders (
    id serial PRIMARY KEY,
    item text NOT NULL,
    state text NOT NULL DEFAULT 'open',
    placed timestamptz NOT NULL DEFAULT now()
);
