//! The context of one attempt.

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
use super::reporter::encode_fields;
use super::scope::StageScope;
use super::services::ContextServices;
use super::stored_outputs::StoredOutputs;
use crate::ledger::CallLedger;
use crate::records::LogLevel;
use crate::value::{Json, Place, RunId, StageKey, Storable};

/// The parameter of a [`StageContext`] that names no stage: such a context has no `require` and no `optional`.
#[derive(Debug)]
pub struct AnyStage;

/// The context of one attempt of a stage.
///
/// - Ids and limits: [`run_id`](Self::run_id), [`workflow_id`](Self::workflow_id), [`stage_id`](Self::stage_id), [`place`](Self::place),
///   [`stage_name`](Self::stage_name), [`stage_number`](Self::stage_number), [`attempt`](Self::attempt),
///   [`is_last_attempt`](Self::is_last_attempt), [`generation`](Self::generation), [`deadline`](Self::deadline), [`cancellation`](Self::cancellation),
///   [`idempotency_token`](Self::idempotency_token).
/// - What the caller said about the run: [`metadata`](Self::metadata), [`tags`](Self::tags),
///   [`traceparent`](Self::traceparent).
/// - Log and progress: [`log`](Self::log), [`log_run`](Self::log_run), [`progress`](Self::progress).
/// - Effects, which are committed with the stage: [`annotate`](Self::annotate), [`storage`](Self::storage),
///   [`record_metric`](Self::record_metric), [`transaction`](Self::transaction), [`start`](Self::start).
/// - Outputs of other stages: [`require`](Self::require), [`optional`](Self::optional).
///
/// A stage takes it as `ctx: &StageContext`. With `ctx: &StageContext<this_stage>` it can also read the outputs that the
/// stage declares with `#[stage(require(…), optional(…))]`.
///
/// [`StageContext::detached`] makes a context without an engine, for unit tests.
pub struct StageContext<S = AnyStage> {
    inner: Arc<Inner>,
    stage: PhantomData<fn() -> S>,
}

struct Inner {
    scope: StageScope,
    metadata: Option<Json>,
    traceparent: Option<String>,
    outputs: StoredOutputs,
    services: ContextServices,
}

/// The parts of a context.
pub(crate) struct ContextParts {
    pub(crate) scope: StageScope,
    /// The metadata of the run.
    pub(crate) metadata: Option<Json>,
    /// The trace context of the attempt's own span, where it has one.
    pub(crate) traceparent: Option<String>,
    /// Stored outputs of other stages, by stage id.
    pub(crate) outputs: HashMap<String, Json>,
    pub(crate) services: ContextServices,
}

impl StageContext {
    /// The context of one attempt.
    pub(crate) fn new(parts: ContextParts) -> Self {
        let ContextParts { scope, metadata, traceparent, outputs, services } = parts;
        let outputs = StoredOutputs::new(outputs);
        let inner = Inner { scope, metadata, traceparent, outputs, services };
        Self { inner: Arc::new(inner), stage: PhantomData }
    }

    /// Returns a value that a body holds until it ends, so that the engine can tell when a stopped body has ended.
    pub(crate) fn life(&self) -> Arc<EffectBuffer> {
        Arc::clone(&self.inner.services.effects)
    }

    /// Makes a context without an engine, for unit tests of a stage's function.
    ///
    /// It has a new run id, attempt 1, generation 1, no deadline and no outputs of other stages. It drops log lines and
    /// progress; [`effects`](Self::effects) returns the effects.
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
            stage_key: "detached".into(),
            stage_name: "Detached",
            stage_number: 0,
            attempt: 1,
            max_attempts: 1,
            generation: 1,
            deadline: None,
            cancellation: CancellationToken::new(),
        };
        let services = ContextServices::none();
        let outputs = HashMap::new();
        Self::new(ContextParts { scope, metadata: None, traceparent: None, outputs, services })
    }
}

impl<S> StageContext<S> {
    /// Returns the id of the run.
    #[must_use]
    pub fn run_id(&self) -> RunId {
        self.inner.scope.run_id
    }

    /// Returns the id of the workflow.
    #[must_use]
    pub fn workflow_id(&self) -> &str {
        &self.inner.scope.workflow_id
    }

    /// Returns the id of the stage.
    #[must_use]
    pub fn stage_id(&self) -> &str {
        &self.inner.scope.stage_key.id
    }

    /// Returns the place of the stage in its run; empty if its run has it once.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.inner.scope.stage_key.place
    }

    /// Returns the key of the stage in its run: its id and its place.
    pub(crate) fn stage_key(&self) -> &StageKey {
        &self.inner.scope.stage_key
    }

    /// Returns the name of the stage for display: the option `name`, or the function's name in title case.
    #[must_use]
    pub fn stage_name(&self) -> &str {
        self.inner.scope.stage_name
    }

    /// Returns the position of the stage in its workflow as it is written, from 1; 0 in a context without an engine.
    #[must_use]
    pub fn stage_number(&self) -> u32 {
        self.inner.scope.stage_number
    }

    /// Returns the number of this attempt in its generation, from 1. An attempt that a crash ends counts.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.inner.scope.attempt
    }

    /// Returns whether the stage fails if this attempt fails: the retry policy allows no further one.
    #[must_use]
    pub fn is_last_attempt(&self) -> bool {
        self.inner.scope.attempt >= self.inner.scope.max_attempts
    }

    /// Returns the generation, from 1. Each rerun of the stage begins the next one.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.inner.scope.generation
    }

    /// Returns the instant at which the stage's timeout ends this attempt, or the run's deadline, if that is earlier; `None`
    /// without either.
    #[must_use]
    pub fn deadline(&self) -> Option<DateTime<Utc>> {
        self.inner.scope.deadline
    }

    /// Returns a token that is cancelled when the run is cancelled, the worker loses its lease, the deadline passes or
    /// the worker stops.
    ///
    /// The engine then drops the function at its next `.await`. The token is for code that must clean up, and for
    /// blocking work, which the engine cannot interrupt: check [`is_cancelled`](CancellationToken::is_cancelled) there.
    #[must_use]
    pub fn cancellation(&self) -> &CancellationToken {
        &self.inner.scope.cancellation
    }

    /// Returns a token that is the same in every attempt of this stage in this generation: `run/stage/generation`. Each place of
    /// the stage has its own.
    ///
    /// A stage runs *at least* once. Send the token to a remote service, so that the service can recognize a repeated
    /// request.
    #[must_use]
    pub fn idempotency_token(&self) -> String {
        let scope = &self.inner.scope;
        format!("{}/{}/{}", scope.run_id, scope.stage_key, scope.generation)
    }

    /// Writes a log line, which the engine stores and sends to event sinks.
    ///
    /// `fields` is a value that serde can write as JSON, usually an object; `()` for no fields. Numbers that are not finite
    /// become `null`. Fields that cannot be written at all are replaced by the reason.
    ///
    /// A message is cut after 16 KiB, and fields of more than 64 KiB are not kept. At most 10,000 reports of an attempt wait
    /// for their commit; those in the middle are dropped, and a line in their place says how many.
    pub fn log(&self, level: LogLevel, message: impl AsRef<str>, fields: impl Serialize) {
        self.inner.services.reports.log(level, message.as_ref(), encode_fields(fields));
    }

    /// Writes a log line about the run as a whole, which no stage owns: its record has neither stage nor attempt. Use it
    /// for what a person who reads the run should see first, whichever stage has found it out. Otherwise like
    /// [`log`](Self::log).
    pub fn log_run(&self, level: LogLevel, message: impl AsRef<str>, fields: impl Serialize) {
        self.inner.services.reports.log_run(level, message.as_ref(), encode_fields(fields));
    }

    /// Reports the progress of the stage. `fraction` is clamped to `0.0..=1.0`; NaN and infinity are 0.
    pub fn progress(&self, fraction: f64, message: impl AsRef<str>) {
        let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
        self.inner.services.reports.progress(fraction, message.as_ref());
    }

    /// Returns the ledger of this attempt's AI calls, for a client that is not part of this library.
    ///
    /// Reserve the highest cost of a call before you make it, and settle the call afterwards. The ledger stores both
    /// even if the attempt fails.
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
    ///     let id = ctx.ledger().reserve(call).await?; // stored: now send the request
    ///     let summary = "In short.".to_owned();
    ///     let cost = "0.0007 USD".parse()?;
    ///     let settled = SettledCall { response: Some(summary.clone()), output_tokens: 3, cost, ..Default::default() };
    ///     ctx.ledger().settle(id, CallOutcome::Settled(settled)).await?;
    ///     Ok(summary)
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

    /// Waits for `duration` on the engine's clock.
    pub(crate) async fn pause(&self, duration: Duration) {
        self.inner.services.pause.pause(duration).await;
    }

    /// The ids and limits of this attempt.
    pub(crate) fn scope(&self) -> &StageScope {
        &self.inner.scope
    }

    /// The metadata of the run.
    pub(crate) fn stored_metadata(&self) -> Option<&Json> {
        self.inner.metadata.as_ref()
    }

    /// The services of this attempt.
    pub(crate) fn services(&self) -> &ContextServices {
        &self.inner.services
    }

    /// The effects of this attempt so far.
    pub(crate) fn buffer(&self) -> &EffectBuffer {
        &self.inner.services.effects
    }

    /// The source of committed artifacts.
    pub(crate) fn artifact_source(&self) -> &dyn ArtifactSource {
        &*self.inner.services.artifacts
    }

    /// The values that the program provides to its stages.
    pub(crate) fn extensions(&self) -> &Extensions {
        &self.inner.services.extensions
    }

    /// A copy of this context with changed parts.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut ContextParts)) -> Self {
        let mut parts = ContextParts {
            scope: self.inner.scope.clone(),
            metadata: self.inner.metadata.clone(),
            traceparent: self.inner.traceparent.clone(),
            outputs: self.inner.outputs.to_json(),
            services: self.inner.services.clone(),
        };
        change(&mut parts);
        StageContext::new(parts).for_stage()
    }

    /// The trace context of the attempt's own span, where it has one.
    pub(crate) fn own_traceparent(&self) -> Option<&str> {
        self.inner.traceparent.as_deref()
    }

    /// The stored output of a stage that ran before this one.
    pub(crate) fn stored(&self, stage_id: &str) -> Option<&Json> {
        self.inner.outputs.get(stage_id)
    }

    /// The decoded output of a stage that ran before this one; all callers share one value.
    pub(crate) fn shared<T: Storable>(&self, stage_id: &str) -> Option<Result<&T, serde_json::Error>> {
        self.inner.outputs.decoded(stage_id)
    }

    /// The same context, typed as the context of the stage `T`.
    pub(crate) fn for_stage<T>(&self) -> StageContext<T> {
        StageContext { inner: Arc::clone(&self.inner), stage: PhantomData }
    }

    /// The same context without a stage in its type.
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
