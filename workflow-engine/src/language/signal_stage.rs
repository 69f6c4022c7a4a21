//! A stage that waits for a signal.

use super::stage_trait::Stage;
use crate::value::Storable;

/// A stage that waits for a signal, whose payload is its output. [`#[stage(signal = …)]`](macro@crate::stage) implements it.
///
/// ```
/// use workflow_engine::language::SignalStage;
/// use workflow_engine::prelude::*;
///
/// #[stage(signal = Approval)]
/// async fn ask(question: String) -> StageResult<String> {
///     Ok(question)
/// }
///
/// fn id_of<S: SignalStage>() -> &'static str {
///     S::DECLARATION.id
/// }
/// assert_eq!(id_of::<ask>(), "ask");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not wait for a signal",
    label = "not a stage with the option `signal`",
    note = "write `#[stage(signal = Payload)]` at the stage: the payload of the signal is then its output"
)]
pub trait SignalStage: Stage {
    /// The question: what the function returns, for the one who answers.
    type Question: Storable;
}
