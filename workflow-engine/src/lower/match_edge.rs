//! The edges of `match` and `catch` as trait bounds: what an arm receives, what its choice passes on, and that all arms agree.

use futures_util::future::BoxFuture;

use super::entry;
use super::from_upstream::FromUpstream;
use super::upstream::Upstream;
use crate::context::StageError;
use crate::definition::Execution;
use crate::language::Stage;
use crate::value::Json;

/// A stage with the parameters `Parameters` that can follow a `match` whose arms return `V`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes `{Parameters}`, but the `match` before it returns `{V}`",
    label = "takes `{Parameters}`, receives `{V}`",
    note = "a `match` returns what its arms return, and an `Option` of it where one of them is `()`"
)]
pub trait FollowsMatch<V, Parameters> {
    /// The entry of the stage at this place.
    fn entry<H: Upstream<Value = V>>(execution: Execution) -> BoxFuture<'static, Result<Json, StageError>>;
}

#[diagnostic::do_not_recommend]
impl<S: Stage<Input: FromUpstream<V>>, V, Parameters> FollowsMatch<V, Parameters> for S {
    fn entry<H: Upstream<Value = V>>(execution: Execution) -> BoxFuture<'static, Result<Json, StageError>> {
        entry::entry::<S, H>(execution)
    }
}

/// A stage with the parameters `Parameters` that can follow a `catch` that passes on `V`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes `{Parameters}`, but the `catch` before it returns `{V}`",
    label = "takes `{Parameters}`, receives `{V}`",
    note = "a `catch` returns what its chain returns as `Ok`, and why a stage in it failed as `Err(StageFailure)`"
)]
pub trait FollowsCatch<V, Parameters> {
    /// The entry of the stage at this place.
    fn entry<H: Upstream<Value = V>>(execution: Execution) -> BoxFuture<'static, Result<Json, StageError>>;
}

#[diagnostic::do_not_recommend]
impl<S: Stage<Input: FromUpstream<V>>, V, Parameters> FollowsCatch<V, Parameters> for S {
    fn entry<H: Upstream<Value = V>>(execution: Execution) -> BoxFuture<'static, Result<Json, StageError>> {
        entry::entry::<S, H>(execution)
    }
}

/// A stage with the parameters `Parameters` that can begin an arm whose pattern binds `V`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes `{Parameters}`, but the pattern of its arm binds `{V}`",
    label = "takes `{Parameters}`, receives `{V}`",
    note = "an arm receives what its pattern binds, in the order in which it is written"
)]
pub trait Takes<V, Parameters>: Stage {
    /// Makes the input.
    fn take(value: V) -> Self::Input;
}

#[diagnostic::do_not_recommend]
impl<S: Stage<Input: FromUpstream<V>>, V, Parameters> Takes<V, Parameters> for S {
    fn take(value: V) -> S::Input {
        S::Input::accept(value)
    }
}

/// A stage that ends an arm, and returns what the stage `First` returns, which ends the first arm.
#[diagnostic::on_unimplemented(
    message = "`{Self}` returns `{Own}`, but `{First}` in another arm returns `{T}`",
    label = "returns `{Own}`, not `{T}`",
    note = "all arms of a `match` return one type: end this arm with a stage that returns `{T}`"
)]
pub trait AgreesWith<First, T, Own> {
    /// The proof, for a constant.
    const AGREES: () = ();
}

#[diagnostic::do_not_recommend]
impl<S: Stage<Output = T>, First, T> AgreesWith<First, T, T> for S {}

/// The value of an arm that ends with a group or a `match`, which is that of the first arm, `T`.
#[diagnostic::on_unimplemented(
    message = "this arm returns `{Self}`, but another arm returns `{T}`",
    label = "returns `{Self}`, not `{T}`",
    note = "all arms of a `match` return one type"
)]
pub trait SameAs<T> {
    /// The proof, for a constant.
    const AGREES: () = ();
}

#[diagnostic::do_not_recommend]
impl<T> SameAs<T> for T {}
