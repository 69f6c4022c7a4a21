//! The machine's clock jumps ahead and back. Rows that are written in between become due after their own delay.
//!
//! On PostgreSQL, the clock of the database decides (`server`).

mod instants;
mod engines;
mod processes;
mod server;
