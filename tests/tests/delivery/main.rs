//! Events on their way out: the sink, the plugins, and dead letters.

mod fixture;
mod plugins;
mod dead_letters;
mod flushers;
mod sinks;
