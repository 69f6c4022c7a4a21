//! Statements that a stage passes to `ctx.transaction()`: they run on the user's own tables, and are committed with the
//! stage exactly once (G2).

mod values;
mod refusals;
mod leases;
mod kills;
mod memory;
mod server;
mod locks;
