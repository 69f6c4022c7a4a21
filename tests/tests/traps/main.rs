//! What the original and its like get wrong: each trap is a test that begins with its number.
//!
//! Trap 13 (clocks and time zones) is PostgreSQL's own, and stands with its tests; the heartbeat of trap 5 and a zombie
//! of trap 6 stand with the leases.

mod bodies;
mod commits;
mod flow;
mod leases;
mod stuck;
mod waiting;
