//! What several tests share: workflows, and a ledger that outlives a killed process.

pub mod diamond;
pub mod ledger;
