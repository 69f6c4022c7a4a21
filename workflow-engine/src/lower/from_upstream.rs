//! Making an input from the value that a stage receives.

use super::record::Record;
use crate::value::NoInput;

/// An input that can be made from a `V`.
///
/// It is not `From`, because a stage without input accepts every value, and `impl<V> From<V> for NoInput` would conflict
/// with `impl<T> From<T> for T`.
pub trait FromUpstream<V>: Sized {
    /// Makes the input.
    fn accept(value: V) -> Self;

    /// Returns the input of a stage that ignores the value, which then need not be decoded.
    #[must_use]
    fn without_value() -> Option<Self> {
        None
    }
}

impl<V> FromUpstream<V> for NoInput {
    fn accept(_: V) -> Self {
        Self
    }

    fn without_value() -> Option<Self> {
        Some(Self)
    }
}

impl<R: Record + From<V>, V> FromUpstream<V> for R {
    fn accept(value: V) -> Self {
        value.into()
    }
}

/// An input that can follow a list of `V` of which one value is a `W`: the two are one type, or the input takes no value.
pub trait FromItem<W, V> {}

impl<W, V> FromItem<W, V> for NoInput {}

impl<R: Record, V> FromItem<V, V> for R {}
