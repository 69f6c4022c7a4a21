//! Statements that a stage gives to `ctx.transaction()`: on the user's own tables, committed with the stage, exactly
//! once (G2).

mod values;
mod refusals;
mod leases;
mod kills;
mod memory;
mod server;
