//! What `#[stage]` and `workflow!` expand to, as macros by example.
//!
//! The procedural macros pass these macros the names and types, and no more. The compiler reads the same tokens three
//! times as fast from here as from a procedural macro, which is not optimized in a debug build and passes each token
//! to the compiler one by one.

mod record;
mod stage;
mod workflow;
