//! Runs from runs: started by a stage, or awaited as a step, with their ends, costs and limits.

mod starting;
mod steps;
mod ending;
mod kills;
mod kit;
mod versions;
