-- SQLite and PostgreSQL both execute this text.
CREATE TABLE decisions (
    run_id TEXT NOT NULL,
    generation BIGINT NOT NULL,
    approved BIGINT NOT NULL,
    actor TEXT NOT NULL,
    PRIMARY KEY (run_id, generation)
);

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
