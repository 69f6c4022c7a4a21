//! What a stage can ask of the engine while it runs.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::effects::{ArtifactSource, EffectBuffer};
use super::extensions::Extensions;
use super::scope::StageScope;
use super::services::ContextServices;
use super::stored_outputs::StoredOutputs;
use crate::ledger::CallLedger;
use crate::records::LogLevel;
use crate::value::{Json, RunId, Storable};

/// The context of a stage whose parameter does not say whose it is; it has no `require` and no `optional`.
#[derive(Debug)]
pub struct AnyStage;

/// The context of one attempt: ids, attempt, deadline, cancellation, log and progress, and what is committed with
/// the stage: annotations, artifacts, metrics, statements.
///
/// A stage takes it as `ctx: &StageContext`. With `ctx: &StageContext<this_stage>` it also reads the outputs
/// that the stage declares with `#[stage(require(…), optional(…))]`.
///
/// In a unit test, [`StageContext::detached`] makes one without an engine.
pub struct StageContext<S = AnyStage> {
    inner: Arc<Inner>,
    stage: PhantomData<fn() -> S>,
}

struct Inner {
    scope: StageScope,
    outputs: StoredOutputs,
    services: ContextServices,
}

/// What a context is made of.
pub(crate) struct ContextParts {
    pub(crate) scope: StageScope,
    /// Stored outputs of other stages, by stage id.
    pub(crate) outputs: HashMap<String, Json>,
    pub(crate) services: ContextServices,
}

impl StageContext {
    /// The context of one attempt, with the stored outputs of the stages that it requires, by stage id.
    pub(crate) fn new(scope: StageScope, outputs: HashMap<String, Json>, services: ContextServices) -> Self {
        let outputs = StoredOutputs::new(outputs);
        Self { inner: Arc::new(Inner { scope, outputs, services }), stage: PhantomData }
    }

    /// A context without an engine, for unit tests of a stage's function: a fresh run id, attempt 1, no
    /// deadline, nothing required; log lines and progress go nowhere.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// let ctx = StageContext::detached();
    /// assert_eq!(ctx.attempt(), 1);
    /// assert!(!ctx.cancellation().is_cancelled());
    /// ```
    #[must_use]
    pub fn detached() -> Self {
        let scope = StageScope {
            run_id: RunId::generate(),
            workflow_id: "detached".into(),
            stage_id: "detached".into(),
            attempt: 1,
            generation: 1,
            deadline: None,
            cancellation: CancellationToken::new(),
        };
        Self::new(scope, HashMap::new(), ContextServices::none())
    }
}

impl<S> StageContext<S> {
    /// The run's id.
    #[must_use]
    pub fn run_id(&self) -> RunId {
        self.inner.scope.run_id
    }

    /// The workflow's id.
    #[must_use]
    pub fn workflow_id(&self) -> &str {
        &self.inner.scope.workflow_id
    }

    /// The stage's id.
    #[must_use]
    pub fn stage_id(&self) -> &str {
        &self.inner.scope.stage_id
    }

    /// 1 for the first attempt. A crash of the worker counts as an attempt.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.inner.scope.attempt
    }

    /// 1 for a fresh run; each rerun opens the next.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.inner.scope.generation
    }

    /// When the stage's timeout ends this attempt; `None` without a timeout.
    #[must_use]
    pub fn deadline(&self) -> Option<DateTime<Utc>> {
        self.inner.scope.deadline
    }

    /// Cancelled when the run is cancelled, the lease is lost, the deadline has passed or the worker stops.
    ///
    /// The engine drops the body at its next `.await` anyway; the token is for code that wants to tidy up, and
    /// for blocking work, which nobody can interrupt from outside.
    #[must_use]
    pub fn cancellation(&self) -> &CancellationToken {
        &self.inner.scope.cancellation
    }

    /// The same text for every attempt of this stage in this generation: `run/stage/generation`.
    ///
    /// A body runs *at least* once; hand this token to the far side so that it can recognise a repetition.
    #[must_use]
    pub fn idempotency_token(&self) -> String {
        let scope = &self.inner.scope;
        format!("{}/{}/{}", scope.run_id, scope.stage_id, scope.generation)
    }

    /// Writes a log line. `fields` is anything that serde writes as JSON; `()` for none.
    pub fn log(&self, level: LogLevel, message: impl AsRef<str>, fields: impl Serialize) {
        // A field that cannot be written must not cost the line.
        let fields = Json::encode(&fields).unwrap_or_else(|_| Json::null());
        self.inner.services.reports.log(level, message.as_ref(), fields);
    }

    /// Says how far the stage is: `fraction` in `0.0..=1.0`, clamped.
    pub fn progress(&self, fraction: f64, message: impl AsRef<str>) {
        let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
        self.inner.services.reports.progress(fraction, message.as_ref());
    }

    /// The ledger of this attempt's calls of language models: for a client of one's own. What a call can cost is
    /// reserved before it is made, and what it has cost is written whatever becomes of the attempt.
    ///
    /// ```
    /// use workflow_engine::ledger::{CallOutcome, CallReservation, SettledCall};
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::records::CallType;
    ///
    /// #[stage(budget = "0.50 USD")]
    /// async fn summarise(text: String, ctx: &StageContext) -> StageResult<String> {
    ///     let call = CallReservation {
    ///         topic: format!("workflow.{}.stage.{}", ctx.run_id(), ctx.stage_id()),
    ///         call_type: CallType::Text,
    ///         model_key: "house-model".into(),
    ///         model_id: "house-model-2".into(),
    ///         prompt: Some(text),
    ///         metadata: None,
    ///         reserve: "0.02 USD".parse()?,
    ///     };
    ///     let id = ctx.ledger().reserve(call).await?; // it is on disk: the request may leave
    ///     let answer = "In short.".to_owned();
    ///     let cost = "0.0007 USD".parse()?;
    ///     let settled = SettledCall { response: Some(answer.clone()), output_tokens: 3, cost, ..Default::default() };
    ///     ctx.ledger().settle(id, CallOutcome::Settled(settled)).await?;
    ///     Ok(answer)
    /// }
    /// # workflow! { Summary = summarise }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = Engine::builder("memory:").register::<Summary>().build().await?;
    /// # let run = engine.start::<Summary>(SummariseInput { text: "At length.".into() }).await?;
    /// # run.output().await?;
    /// # assert_eq!(run.cost_summary().await?.cost.to_string(), "0.0007 USD");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn ledger(&self) -> &Arc<dyn CallLedger> {
        &self.inner.services.calls
    }

    /// Waits a moment, by the engine's time.
    pub(crate) async fn pause(&self, duration: Duration) {
        self.inner.services.pause.pause(duration).await;
    }

    /// What is asked to be committed with the stage.
    pub(crate) fn buffer(&self) -> &EffectBuffer {
        &self.inner.services.effects
    }

    /// Where committed artifacts are.
    pub(crate) fn artifact_source(&self) -> &dyn ArtifactSource {
        &*self.inner.services.artifacts
    }

    /// What the program hands to its stages.
    #[cfg_attr(
        not(feature = "ai"),
        allow(dead_code, reason = "the client of models is the only such value so far")
    )]
    pub(crate) fn extensions(&self) -> &Extensions {
        &self.inner.services.extensions
    }

    /// The same context with other parts.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut ContextParts)) -> Self {
        let mut parts = ContextParts {
            scope: self.inner.scope.clone(),
            outputs: self.inner.outputs.to_json(),
            services: self.inner.services.clone(),
        };
        change(&mut parts);
        StageContext::new(parts.scope, parts.outputs, parts.services).for_stage()
    }

    /// The stored output of a stage that ran before this one.
    pub(crate) fn stored(&self, stage_id: &str) -> Option<&Json> {
        self.inner.outputs.get(stage_id)
    }

    /// The decoded output of a stage that ran before this one; all callers share one value.
    pub(crate) fn shared<T: Storable>(&self, stage_id: &str) -> Option<Result<&T, serde_json::Error>> {
        self.inner.outputs.decoded(stage_id)
    }

    /// The same context under the name of the stage `T`.
    pub(crate) fn for_stage<T>(&self) -> StageContext<T> {
        StageContext { inner: Arc::clone(&self.inner), stage: PhantomData }
    }

    /// The same context without a stage's name.
    pub(crate) fn undeclared(&self) -> StageContext {
        StageContext { inner: Arc::clone(&self.inner), stage: PhantomData }
    }
}

impl<S> Clone for StageContext<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), stage: PhantomData }
    }
}

impl<S> fmt::Debug for StageContext<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.scope.fmt(f)
    }
}
