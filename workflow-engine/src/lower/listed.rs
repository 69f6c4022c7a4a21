//! The stages of which a workflow is implemented as the owner.

use std::marker::PhantomData;

/// The stage `S` at the place `AT` of a workflow. A stage that appears twice is a mistake with its own message, so its
/// second place has a type of its own: otherwise the two implementations of
/// [`HasStage`](crate::language::HasStage) would conflict, which would be a second error.
pub type StageAt<S, const IS_REPEATED: bool, const AT: usize> = <Place<IS_REPEATED, AT> as Listed<S>>::Stage;

/// A place in a workflow.
#[derive(Debug)]
pub struct Place<const IS_REPEATED: bool, const AT: usize>;

/// A stage that appears at an earlier place, too.
#[derive(Debug)]
pub struct Repeated<S, const AT: usize>(PhantomData<S>);

/// The type under which a place lists its stage.
pub trait Listed<S> {
    /// The stage, or [`Repeated`].
    type Stage;
}

impl<S, const AT: usize> Listed<S> for Place<false, AT> {
    type Stage = S;
}

impl<S, const AT: usize> Listed<S> for Place<true, AT> {
    type Stage = Repeated<S, AT>;
}
