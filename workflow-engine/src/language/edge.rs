//! The edges of the graph as trait bounds: what a stage is handed must convert into its input.
//!
//! `#[stage]` implements [`Accepts`] once. What `workflow!` asks for are the traits over it, one a situation,
//! because the sentence that rustc prints belongs to the trait.

use super::stage::Stage;

/// The stage's input can be made from a `V`.
///
/// A trait of its own rather than `From`, because a stage without input accepts everything, and
/// `impl<V> From<V> for NoInput` would collide with `impl<T> From<T> for T`.
pub trait Accepts<V>: Stage {
    /// Makes the input.
    fn accept(value: V) -> Self::Input;
}

/// `Self` may come right after the stage `Giver`, whose output is `V`; it takes `Parameters`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes `{Parameters}`, but `{Giver}` before it returns `{V}`",
    label = "takes `{Parameters}`, is handed `{V}`",
    note = "implement `From<{V}>` for the generated input of `{Self}` to convert"
)]
pub trait Follows<Giver, V, Parameters>: Stage {
    /// Makes the input.
    fn take(value: V) -> Self::Input;
}

#[diagnostic::do_not_recommend]
impl<S: Accepts<V>, Giver, V, Parameters> Follows<Giver, V, Parameters> for S {
    fn take(value: V) -> Self::Input {
        S::accept(value)
    }
}

/// `Self` may come right after a group whose outputs are `V`; it takes `Parameters`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes `{Parameters}`, but the group before it returns `{V}`",
    label = "takes `{Parameters}`, is handed `{V}`",
    note = "a group hands on the last outputs of its branches in the order in which they are written"
)]
pub trait Joins<V, Parameters>: Stage {
    /// Makes the input.
    fn take(value: V) -> Self::Input;
}

#[diagnostic::do_not_recommend]
impl<S: Accepts<V>, V, Parameters> Joins<V, Parameters> for S {
    fn take(value: V) -> Self::Input {
        S::accept(value)
    }
}

/// `Self` may begin a workflow whose input is `V`; it takes `Parameters`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes `{Parameters}`, but the workflow's input is `{V}`",
    label = "takes `{Parameters}`, is handed `{V}`",
    note = "implement `From<{V}>` for the generated input of `{Self}` to convert"
)]
pub trait Starts<V, Parameters>: Stage {
    /// Makes the input.
    fn take(value: V) -> Self::Input;
}

#[diagnostic::do_not_recommend]
impl<S: Accepts<V>, V, Parameters> Starts<V, Parameters> for S {
    fn take(value: V) -> Self::Input {
        S::accept(value)
    }
}
