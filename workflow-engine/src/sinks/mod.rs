//! Ready-made event sinks: a channel of this process, and its log.

mod broadcast;
mod log;

pub use log::TracingSink;
