//! The registry of models: what each can do, and the maximum cost of a call.

mod registry;
mod filter;
mod builtin;
mod capability;
mod max_cost;

pub use filter::ModelFilter;
pub use registry::ModelRegistry;

pub(super) use capability::Capability;
pub(super) use max_cost::{max_cost_of_embedding, max_cost_of_generation};
pub(super) use registry::not_registered;
