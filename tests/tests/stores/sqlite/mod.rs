//! Tests of the SQLite store alone: durability, sharing a file, and files that it refuses.

mod fixture;
mod files;
mod durability;
mod lost_files;
mod sharing;
mod row_cache;
mod statements;
mod deliveries;
mod waiting;
mod lost_jobs;
