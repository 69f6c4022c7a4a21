//! Known traps of durable workflow engines: each is covered by a test whose name begins with its number.
//!
//! Trap 13 (clocks and time zones) concerns PostgreSQL only, and is covered by its tests. The tests of leases
//! (`tests/workers/leases.rs`) cover the heartbeat of trap 5 and a late result of trap 6.

mod bodies;
mod flow;
mod commits;
mod leases;
mod waiting;
mod stuck;
