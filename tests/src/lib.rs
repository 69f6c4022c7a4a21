//! What several tests share: stores with a clock of the test's own, workflows, and a ledger that outlives a killed
//! process.

pub mod world;
pub mod events;
pub mod signal;
pub mod diamond;
pub mod ledger;
