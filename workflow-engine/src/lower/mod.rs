//! What `#[stage]` and `workflow!` lower to: the functions and traits that generated code calls.

mod expand;
mod record;
mod returns;
mod upstream;
mod from_upstream;
mod entry;
mod check_entry;
mod edge;
mod node;
mod graph;
mod message;
mod table;
mod stage_configs;
mod outputs;
pub mod ide;
pub mod private;
#[cfg(test)]
mod tests;
