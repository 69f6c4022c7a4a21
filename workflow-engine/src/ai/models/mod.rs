//! The models that a program may call: what they can do, and what they cost.

mod registry;
mod filter;
mod builtin;
mod price;
mod bound;
mod abilities;

pub use filter::ModelFilter;
pub use registry::ModelRegistry;
pub(super) use registry::unknown;

pub(super) use abilities::Ability;
pub(super) use bound::{worst_of_embedding, worst_of_generation};
