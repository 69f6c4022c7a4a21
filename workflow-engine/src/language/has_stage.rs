//! The stages of a workflow as types.

/// A workflow that contains the stage `S`. [`workflow!`](macro@crate::workflow) implements it for each of its stages, so
/// that a method which names a stage by its type does not compile for a stage of another workflow.
///
/// ```
/// use workflow_engine::language::HasStage;
/// use workflow_engine::prelude::*;
///
/// #[stage]
/// async fn double(number: u32) -> StageResult<u32> {
///     Ok(number * 2)
/// }
///
/// workflow! { Doubling = double }
///
/// fn id_of<W: HasStage<S>, S: Stage>() -> &'static str {
///     S::DECLARATION.id
/// }
/// assert_eq!(id_of::<Doubling, double>(), "double");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{S}` is not a stage of the workflow `{Self}`",
    label = "not a stage of `{Self}`"
)]
pub trait HasStage<S> {}
