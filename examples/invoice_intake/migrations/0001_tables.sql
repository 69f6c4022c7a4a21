-- SQLite and PostgreSQL both execute this text.
CREATE TABLE ledger (
    invoice TEXT PRIMARY KEY,
    supplier TEXT NOT NULL,
    cents BIGINT NOT NULL,
    receipt TEXT NOT NULL
);

-- The books of the bank, which in reality has a database of its own.
CREATE TABLE payments (
    token TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    cents BIGINT NOT NULL
);
