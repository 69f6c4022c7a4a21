//! The stages that a workflow has.

use std::marker::PhantomData;

/// A stage that appears at an earlier place of the workflow, too. That is a mistake with its own message, so its second
/// place has a type of its own: otherwise the two implementations of [`HasStage`](crate::language::HasStage) would
/// conflict, which would be a second error.
#[derive(Debug)]
pub struct Repeated<S, const AT: usize>(PhantomData<S>);
