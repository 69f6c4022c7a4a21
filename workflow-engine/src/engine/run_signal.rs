//! Signals to the stages of a run.

use std::future::IntoFuture;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::any_run::AnyRun;
use super::handle::RunHandle;
use crate::error::Error;
use crate::kernel::SignalRun;
use crate::language::{HasStage, SignalStage, Workflow};
use crate::records::SignalRecord;
use crate::value::{Json, StageKey};

/// A signal to a stage of a run; `.await` sends it.
///
/// ```
/// use workflow_engine::prelude::*;
///
/// #[stage(signal = u32, give_up_after = "7d")]
/// async fn ask(question: String) -> StageResult<String> {
///     Ok(question)
/// }
///
/// #[stage]
/// async fn double(number: u32) -> StageResult<u32> {
///     Ok(number * 2)
/// }
///
/// workflow! { Asking = ask >> double }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").register::<Asking>().build().await?;
/// let run = engine.start::<Asking>(AskInput { question: "How many?".into() }).await?;
/// run.signal::<ask>(21).idempotency_key("click-7").actor("ada").await?;
/// assert_eq!(run.output().await?, 42);
///
/// let second = run.signal::<ask>(22).actor("bob").await.unwrap_err();
/// assert_eq!(second.code().as_str(), "SIGNAL_TOO_LATE");
/// # Ok(())
/// # }
/// ```
///
/// A stage that does not wait for a signal is an error of the compiler:
///
/// ```compile_fail,E0277
/// use workflow_engine::prelude::*;
///
/// #[stage]
/// async fn double(number: u32) -> StageResult<u32> {
///     Ok(number * 2)
/// }
///
/// workflow! { Doubling = double }
///
/// async fn send(run: &RunHandle<Doubling>) {
///     run.signal::<double>(21).await.unwrap();
/// }
/// ```
#[derive(Debug)]
#[must_use = "a signal is sent when this is awaited"]
pub struct Signal {
    run: AnyRun,
    command: Result<SignalRun, Error>,
}

impl AnyRun {
    /// Sends a signal to a stage that waits for one: its payload becomes the stage's output. If the stage does not wait yet,
    /// the signal stays in its queue, and the wait takes it when it begins.
    ///
    /// # Errors
    /// Of the awaited signal: `RUN_NOT_FOUND`, `STAGE_NOT_FOUND`, `NOT_A_SIGNAL_STAGE`; `INVALID_SIGNAL`, with the path to
    /// the field, for a payload of another type; `SIGNAL_TOO_LATE` if another signal was first or the stage no longer waits, `RUN_OVER` if
    /// the run ended before, `TOO_MANY_SIGNALS` for the 1,001st signal to a stage that does not wait yet;
    /// `IDEMPOTENCY_CONFLICT`; `WORKFLOW_NOT_FOUND` or `DEFINITION_MISMATCH` if neither this process nor the store has the
    /// run's definition.
    pub fn signal(&self, stage_key: impl Into<StageKey>, payload: Json) -> Signal {
        Signal { run: self.clone(), command: Ok(SignalRun::new(self.id(), stage_key, payload)) }
    }

    /// Returns the JSON Schema of the payload of a signal to this stage; `None` for a stage that does not wait for a signal.
    ///
    /// # Errors
    /// `STAGE_NOT_FOUND`; `WORKFLOW_NOT_FOUND` if neither this process nor the store has the run's definition; the errors of
    /// [`AnyRun::record`].
    pub async fn signal_schema(&self, stage_key: impl Into<StageKey>) -> Result<Option<Value>, Error> {
        let stage_key = stage_key.into();
        let run = self.record().await?;
        let stages = self.engine().kernel().definition_stages(&run.definition_fingerprint).await?;
        let stages = stages.ok_or_else(|| Error::workflow_of_run_not_found(run.id, &run.workflow_id))?;
        Ok(stages.stage(run.id, &stage_key.id)?.signal_schema.clone())
    }

    /// Returns the signals that the run's stages have received, by stage, oldest first. Those that a wait has consumed stay
    /// until the run is deleted.
    ///
    /// # Errors
    /// As [`AnyRun::record`].
    pub async fn signals(&self) -> Result<Vec<SignalRecord>, Error> {
        self.unless_gone(self.store().signals(self.id(), None).await?).await
    }
}

impl<W: Workflow> RunHandle<W> {
    /// Sends a signal to a stage that waits for one: its payload becomes the stage's output. See [`AnyRun::signal`].
    #[allow(clippy::needless_pass_by_value, reason = "a caller writes the payload where it sends it")]
    pub fn signal<S: SignalStage>(&self, payload: S::Output) -> Signal
    where
        W: HasStage<S>,
    {
        let stage_id = S::DECLARATION.id;
        let stored = Json::store(&payload).map_err(|fault| Error::invalid_signal(stage_id, "", fault));
        let command = stored.map(|payload| SignalRun::new(self.id(), stage_id, payload));
        Signal { run: self.any().clone(), command }
    }
}

impl Signal {
    /// Sets an idempotency key, 1 to 255 bytes: the same key with the same signal sends it once.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.command = self.command.map(|command| SignalRun { idempotency_key: Some(key.into()), ..command });
        self
    }

    /// Says who sends it, for people: 1 to 255 bytes without control characters. Default: the actor of the handle, see
    /// [`AnyRun::by`].
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.command = self.command.map(|command| SignalRun { actor: Some(actor.into()), ..command });
        self
    }
}

impl IntoFuture for Signal {
    type Output = Result<(), Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.run.engine().dispatch(self.command?).await.map(drop) })
    }
}
