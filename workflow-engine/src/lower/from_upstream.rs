//! Which value an input can be made from.

use super::record::Record;
use crate::value::NoInput;

/// An input that can be made from a `V`.
///
/// A trait of its own rather than `From`, because a stage without input takes everything, and
/// `impl<V> From<V> for NoInput` would collide with `impl<T> From<T> for T`.
pub trait FromUpstream<V>: Sized {
    /// Makes the input.
    fn accept(value: V) -> Self;

    /// The input of a stage that takes nothing: then nothing that is handed to it needs to be read.
    #[must_use]
    fn nothing() -> Option<Self> {
        None
    }
}

impl<V> FromUpstream<V> for NoInput {
    fn accept(_: V) -> Self {
        Self
    }

    fn nothing() -> Option<Self> {
        Some(Self)
    }
}

impl<R: Record + From<V>, V> FromUpstream<V> for R {
    fn accept(value: V) -> Self {
        value.into()
    }
}
