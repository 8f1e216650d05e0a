create table visits (at timestamptz not null);
