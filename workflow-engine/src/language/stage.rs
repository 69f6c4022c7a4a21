//! A stage as a type.

use super::payload::Payload;

/// A stage; implemented by `#[stage]` for the type that it puts beside the function.
pub trait Stage: Send + Sync + 'static {
    /// What it returns when it succeeds.
    type Output: Payload;
}
