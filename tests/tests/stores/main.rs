//! The stores: that they agree, what each of them alone can meet, and what a run costs in them.

mod agreement;
mod stored_invariants;
mod sqlite;
mod postgres;
mod shared_database;
mod cost;
