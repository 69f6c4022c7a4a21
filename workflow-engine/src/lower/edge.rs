//! The edges of the graph as trait bounds: the value that a stage receives must convert into its input.
//!
//! [`FromUpstream`] is the bound for every input. `workflow!` uses the traits over it, one for each situation, because
//! rustc's message belongs to the trait. Each trait provides the stage's row as a constant: a function with the trait as
//! its bound would add a "required by a bound" note to the message.

use futures_util::future::BoxFuture;

use super::entry;
use super::from_upstream::{FromItem, FromUpstream};
use super::node::StageNode;
use super::table::StageRow;
use super::upstream::{Single, Start, Upstream};
use crate::context::StageError;
use crate::definition::Execution;
use crate::language::{Stage, Workflow};
use crate::value::Json;

/// A stage with the parameters `Parameters` that can follow the stage `Giver`, whose output is `V`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes `{Parameters}`, but `{Giver}` before it returns `{V}`",
    label = "takes `{Parameters}`, receives `{V}`",
    note = "to convert the value, implement `From<{V}>` for the generated input of `{Self}`"
)]
pub trait Follows<Giver, V, Parameters> {
    /// The row of the stage with its entry at this place.
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

/// A stage with the parameters `Parameters` that can follow a group whose outputs are `V`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes `{Parameters}`, but the group before it returns `{V}`",
    label = "takes `{Parameters}`, receives `{V}`",
    note = "a group passes on the last output of each branch, in the order in which the branches are written"
)]
pub trait Joins<V, Parameters> {
    /// The entry of the stage at this place. The group's shape is not a parameter of the trait, because rustc would print
    /// it.
    fn entry<H: Upstream<Value = V>>(execution: Execution) -> BoxFuture<'static, Result<Json, StageError>>;
}

#[diagnostic::do_not_recommend]
impl<S: Stage<Input: FromUpstream<V>>, V, Parameters> Joins<V, Parameters> for S {
    fn entry<H: Upstream<Value = V>>(execution: Execution) -> BoxFuture<'static, Result<Json, StageError>> {
        entry::entry::<S, H>(execution)
    }
}

/// A stage with the parameters `Parameters` that can begin the workflow `W`, whose input is `V`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` takes `{Parameters}`, but the input of `{W}` is `{V}`",
    label = "takes `{Parameters}`, receives `{V}`",
    note = "to convert the value, implement `From<{V}>` for the generated input of `{Self}`"
)]
pub trait Starts<W, V, Parameters> {
    /// The row of the stage with its entry at this place.
    const ROW: StageRow;
}

#[diagnostic::do_not_recommend]
impl<S, W, V, Parameters> Starts<W, V, Parameters> for S
where
    S: Stage<Input: FromUpstream<V>>,
    // That the input can be stored is required only where the workflow names its type.
    W: Workflow<Input = V>,
{
    const ROW: StageRow =
        <S as StageNode>::ROW.entered(entry::entry::<S, Start<W>>).starting(entry::check_start::<S, W>);
}

/// A stage, or the end of a workflow, that can follow a group of more than sixteen branches, of which the first returns `V`
/// and `Branch` returns `W`.
#[diagnostic::on_unimplemented(
    message = "`{Branch}` returns `{W}`, but the first branch of its group returns `{V}`",
    label = "returns `{W}`, not `{V}`",
    note = "a group of more than 16 branches passes on a `Vec`, so all its branches must return one type",
    note = "for several types, put a stage after the group that takes no plain parameters and requires what it needs"
)]
pub trait ListItem<Branch, W, V> {
    /// The proof, for a constant.
    const FITS: () = ();
}

/// The end of a workflow, where a group's outputs become the workflow's.
#[derive(Debug)]
pub struct End;

#[diagnostic::do_not_recommend]
impl<Branch, V> ListItem<Branch, V, V> for End {}

#[diagnostic::do_not_recommend]
impl<S: Stage<Input: FromItem<W, V>>, Branch, W, V> ListItem<Branch, W, V> for S {}
