//! What a stage can ask of the engine while it runs.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::calls::{CallLedger, NoCalls};
use super::effects::{ArtifactSource, EffectBuffer, GivenArtifact, NoArtifacts};
use super::json::Json;
use super::payload::Storable;
use super::sleep::{NoPause, Pause};
use super::stage::Stage;
use crate::id::RunId;

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
    outputs: HashMap<String, StoredOutput>,
    surroundings: ContextServices,
}

/// Where what a stage says and asks for goes, where artifacts come from, and where calls of models are written down.
#[derive(Clone)]
pub(crate) struct ContextServices {
    pub(crate) reports: Arc<dyn StageReporter>,
    pub(crate) effects: Arc<EffectBuffer>,
    pub(crate) artifacts: Arc<dyn ArtifactSource>,
    pub(crate) calls: Arc<dyn CallLedger>,
    pub(crate) pause: Arc<dyn Pause>,
    /// Who calls models.
    #[cfg(feature = "ai")]
    pub(crate) ai: Option<crate::ai::AiClient>,
}

/// The ids and limits of one attempt.
#[derive(Clone, Debug)]
pub struct StageScope {
    /// The run.
    pub run_id: RunId,
    /// The workflow's id.
    pub workflow_id: String,
    /// The stage's id.
    pub stage_id: String,
    /// 1 for the first attempt of this generation.
    pub attempt: u32,
    /// 1 for a fresh run; a rerun opens the next.
    pub generation: u32,
    /// When the stage's timeout ends this attempt.
    pub deadline: Option<DateTime<Utc>>,
    /// Cancelled when the run is cancelled, the lease is lost, the deadline has passed or the worker stops.
    pub cancellation: CancellationToken,
}

/// Where a stage's log lines and progress go.
pub trait StageReporter: Send + Sync {
    /// One log line.
    fn log(&self, level: LogLevel, message: &str, fields: Json);
    /// How far the stage is: `fraction` in `0.0..=1.0`.
    fn progress(&self, fraction: f64, message: &str);
}

/// The severity of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    /// For whoever debugs the stage.
    Debug,
    /// What happened.
    Info,
    /// What may need a look.
    Warn,
    /// What went wrong.
    Error,
}

impl LogLevel {
    /// The stored name: `DEBUG`, `INFO`, `WARN`, `ERROR`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

struct StoredOutput {
    json: Json,
    decoded: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl StageContext {
    /// The context of one attempt, with the stored outputs of the stages that it requires, by stage id.
    pub(crate) fn new(
        scope: StageScope,
        outputs: HashMap<String, Json>,
        surroundings: ContextServices,
    ) -> Self {
        let outputs = outputs
            .into_iter()
            .map(|(id, json)| (id, StoredOutput { json, decoded: OnceLock::new() }))
            .collect();
        Self { inner: Arc::new(Inner { scope, outputs, surroundings }), stage: PhantomData }
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

impl<S: Stage> StageContext<S> {
    /// As [`StageContext::detached`], for a stage that reads others through its context.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage]
    /// async fn price(order: u32) -> StageResult<u32> {
    ///     Ok(order * 3)
    /// }
    ///
    /// #[stage(require(price))]
    /// async fn invoice(ctx: &StageContext<invoice>) -> StageResult<String> {
    ///     Ok(format!("{} EUR", ctx.require::<price>()))
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), StageError> {
    /// let ctx = StageContext::<invoice>::for_test().with_output::<price>(&21);
    /// assert_eq!(invoice(&ctx).await?, "21 EUR");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn for_test() -> Self {
        let mut context = StageContext::detached();
        if let Some(inner) = Arc::get_mut(&mut context.inner) {
            S::DECLARATION.id.clone_into(&mut inner.scope.stage_id);
        }
        context.for_stage()
    }

    /// The same context with the output of the stage `R`, as if that had run before.
    ///
    /// # Panics
    /// When the output cannot be written as JSON.
    #[must_use]
    pub fn with_output<R: Stage>(self, output: &R::Output) -> Self {
        let id = R::DECLARATION.id;
        let json = match Json::store(output) {
            Ok(json) => json,
            Err(error) => panic!("the output of stage `{id}` cannot be stored: {error}"),
        };
        let kept = self.inner.outputs.iter().map(|(id, output)| (id.clone(), output.json.clone()));
        let outputs = kept.chain([(id.to_owned(), json)]).collect();
        StageContext::new(self.inner.scope.clone(), outputs, self.inner.surroundings.clone()).for_stage()
    }

    /// The same context with an artifact of the stage `R`, as if that had kept it.
    ///
    /// # Panics
    /// When the value cannot be written as JSON.
    #[must_use]
    pub fn with_artifact<R: Stage>(self, key: &str, value: &impl Serialize) -> Self {
        let stage_id = R::DECLARATION.id;
        let value = match Json::encode(value) {
            Ok(json) => json,
            Err(error) => panic!("artifact `{key}` of stage `{stage_id}` cannot be stored: {error}"),
        };
        let mut surroundings = self.inner.surroundings.clone();
        let others = surroundings.artifacts;
        surroundings.artifacts = Arc::new(GivenArtifact { stage_id, key: key.to_owned(), value, others });
        let outputs =
            self.inner.outputs.iter().map(|(id, output)| (id.clone(), output.json.clone())).collect();
        StageContext::new(self.inner.scope.clone(), outputs, surroundings).for_stage()
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
        self.inner.surroundings.reports.log(level, message.as_ref(), fields);
    }

    /// Says how far the stage is: `fraction` in `0.0..=1.0`, clamped.
    pub fn progress(&self, fraction: f64, message: impl AsRef<str>) {
        let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
        self.inner.surroundings.reports.progress(fraction, message.as_ref());
    }

    /// Where calls of models are written down.
    pub(super) fn call_ledger(&self) -> &Arc<dyn CallLedger> {
        &self.inner.surroundings.calls
    }

    /// Waits a moment, by the engine's time.
    pub(crate) async fn pause(&self, duration: Duration) {
        self.inner.surroundings.pause.pause(duration).await;
    }

    /// What is asked to be committed with the stage.
    pub(super) fn buffer(&self) -> &EffectBuffer {
        &self.inner.surroundings.effects
    }

    /// Where committed artifacts are.
    pub(super) fn artifact_source(&self) -> &dyn ArtifactSource {
        &*self.inner.surroundings.artifacts
    }

    /// Who calls models; `None` where the engine has nobody.
    #[cfg(feature = "ai")]
    pub(crate) fn ai_client(&self) -> Option<&crate::ai::AiClient> {
        self.inner.surroundings.ai.as_ref()
    }

    /// The same context in other surroundings.
    #[cfg(feature = "ai")]
    pub(crate) fn with_surroundings(&self, change: impl FnOnce(&mut ContextServices)) -> Self {
        let mut surroundings = self.inner.surroundings.clone();
        change(&mut surroundings);
        let outputs =
            self.inner.outputs.iter().map(|(id, output)| (id.clone(), output.json.clone())).collect();
        let context = StageContext::new(self.inner.scope.clone(), outputs, surroundings);
        Self { inner: context.inner, stage: PhantomData }
    }

    /// The stored output of a stage that ran before this one.
    pub(crate) fn stored(&self, stage_id: &str) -> Option<&Json> {
        self.inner.outputs.get(stage_id).map(|output| &output.json)
    }

    /// The decoded output of the stage `T`, shared by everyone who asks this context for it.
    pub(crate) fn shared<T: Storable>(&self, stage_id: &str) -> Option<Result<&T, serde_json::Error>> {
        let output = self.inner.outputs.get(stage_id)?;
        if output.decoded.get().is_none() {
            match output.json.load::<T>() {
                // Whoever loses this race drops an equal value.
                Ok(value) => drop(output.decoded.set(Box::new(value))),
                Err(error) => return Some(Err(error)),
            }
        }
        output.decoded.get()?.downcast_ref::<T>().map(Ok)
    }

    /// The same context under the name of the stage `T`.
    pub(crate) fn for_stage<T: Stage>(&self) -> StageContext<T> {
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

impl ContextServices {
    /// Nobody listens, and nothing is there.
    pub(super) fn none() -> Self {
        Self {
            reports: Arc::new(NoopReporter),
            effects: Arc::default(),
            artifacts: Arc::new(NoArtifacts),
            calls: Arc::new(NoCalls),
            pause: Arc::new(NoPause),
            #[cfg(feature = "ai")]
            ai: None,
        }
    }
}

struct NoopReporter;

impl StageReporter for NoopReporter {
    fn log(&self, _: LogLevel, _: &str, _: Json) {}
    fn progress(&self, _: f64, _: &str) {}
}
