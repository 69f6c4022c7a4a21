//! What `#[stage]` and `workflow!` lower to: the functions and traits that generated code calls.

pub(crate) mod record;
mod message;
mod graph;
mod returns;
mod upstream;
mod entry;
mod check_entry;
mod node;
mod edge;
mod table;
mod outputs;
#[doc(hidden)]
pub mod ide;
#[doc(hidden)]
pub mod private;
#[cfg(test)]
mod tests;
