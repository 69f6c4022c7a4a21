//! The edges of the graph as trait bounds: what a stage is handed must convert into its input.
//!
//! [`FromUpstream`] says it for every input. What `workflow!` asks for are the traits over it, one a situation,
//! because the sentence that rustc prints belongs to the trait. Each delivers the stage's row by a constant rather
//! than by a function with the trait as its bound, which would add "required by a bound in …" to the sentence.

use futures_util::future::BoxFuture;

use super::entry;
use super::from_upstream::FromUpstream;
use super::node::StageNode;
use super::table::StageRow;
use super::upstream::{Single, Start, Upstream};
use crate::context::StageError;
use crate::definition::Execution;
use crate::stage::{Stage, Workflow};
use crate::value::Json;

/// `Self` may come right after the stage `Giver`, whose output is `V`; it takes `Parameters`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes `{Parameters}`, but `{Giver}` before it returns `{V}`",
    label = "takes `{Parameters}`, receives `{V}`",
    note = "to convert the value, implement `From<{V}>` for the generated input of `{Self}`"
)]
pub trait Follows<Giver, V, Parameters> {
    /// The stage in its place.
    const ROW: StageRow;
}

#[diagnostic::do_not_recommend]
impl<S, Giver, V, Parameters> Follows<Giver, V, Parameters> for S
where
    S: Stage<Input: FromUpstream<V>>,
    Giver: Stage<Output = V>,
{
    const ROW: StageRow = <S as StageNode>::ROW.entered(entry::entry::<S, Single<Giver>>);
}

/// `Self` may come right after a group whose outputs are `V`; it takes `Parameters`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes `{Parameters}`, but the group before it returns `{V}`",
    label = "takes `{Parameters}`, receives `{V}`",
    note = "a group passes on the last output of each branch, in the order in which the branches are written"
)]
pub trait Joins<V, Parameters> {
    /// The entry of the stage in its place. The group's shape is not a parameter of the trait, because rustc
    /// would print all of it.
    fn entry<H: Upstream<Value = V>>(execution: Execution) -> BoxFuture<'static, Result<Json, StageError>>;
}

#[diagnostic::do_not_recommend]
impl<S: Stage<Input: FromUpstream<V>>, V, Parameters> Joins<V, Parameters> for S {
    fn entry<H: Upstream<Value = V>>(execution: Execution) -> BoxFuture<'static, Result<Json, StageError>> {
        entry::entry::<S, H>(execution)
    }
}

/// `Self` may begin the workflow `W`, whose input is `V`; it takes `Parameters`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes `{Parameters}`, but the input of `{W}` is `{V}`",
    label = "takes `{Parameters}`, receives `{V}`",
    note = "to convert the value, implement `From<{V}>` for the generated input of `{Self}`"
)]
pub trait Starts<W, V, Parameters> {
    /// The stage in its place.
    const ROW: StageRow;
}

#[diagnostic::do_not_recommend]
impl<S, W, V, Parameters> Starts<W, V, Parameters> for S
where
    S: Stage<Input: FromUpstream<V>>,
    // That an input can be stored is asked where the workflow names it, and nowhere else.
    W: Workflow<Input = V>,
{
    const ROW: StageRow = <S as StageNode>::ROW.entered(entry::entry::<S, Start<W>>);
}
