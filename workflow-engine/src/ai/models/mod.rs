//! The models that a program may call: what they can do, and what they cost.

mod registry;
mod filter;
mod builtin;
mod price;
mod max_cost;
mod capabilities;

pub use filter::ModelFilter;
pub use registry::ModelRegistry;
pub(super) use registry::unknown;

pub(super) use capabilities::Capability;
pub(super) use max_cost::{worst_of_embedding, worst_of_generation};
