//! Starting a run from a stage.

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde::Serialize;

use super::workflow::Workflow;
use crate::context::{CheckedChild, ChildRun, StageContext, StageError, StageResult};
use crate::error::ErrorCode;
use crate::value::exact::{self, deep_drop};
use crate::value::{Cost, Json, Lossy, RunId, Storable};

/// A run that a stage starts; `.await` checks the request, and returns the id that the run will have.
///
/// The commit of the stage's outcome creates the run, exactly once. An attempt that fails starts nothing.
#[must_use = "a run starts when this is awaited"]
pub struct StartChild<'a, S, W> {
    context: &'a StageContext<S>,
    workflow: PhantomData<fn() -> W>,
    child: Result<ChildRun, StageError>,
}

impl<S> StageContext<S> {
    /// Starts a run of another workflow, which must be registered in this process. The run is created in the commit of the
    /// stage's outcome: exactly once, and not at all if the attempt fails. Nothing waits for it; to wait for a run, write its
    /// workflow as a step of [`workflow!`](macro@crate::workflow).
    ///
    /// The run inherits the priority and the tags of its parent, and has it as
    /// [`RunRecord::parent`](crate::records::RunRecord::parent).
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage]
    /// async fn greet(name: String) -> StageResult<String> {
    ///     Ok(format!("Hello, {name}"))
    /// }
    ///
    /// workflow! { Greeting = greet }
    ///
    /// #[stage]
    /// async fn invite(names: Vec<String>, ctx: &StageContext) -> StageResult<usize> {
    ///     for name in &names {
    ///         ctx.start::<Greeting>(GreetingInput { name: name.clone() }).tag("guest", name.clone()).await?;
    ///     }
    ///     Ok(names.len())
    /// }
    ///
    /// workflow! { Party = invite }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<Party>().register::<Greeting>().build().await?;
    /// let run = engine.start::<Party>(PartyInput { names: vec!["Ada".into(), "Alan".into()] }).await?;
    /// assert_eq!(run.output().await?, 2);
    /// assert_eq!(run.children().await?.items.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start<W: Workflow>(&self, input: W::Input) -> StartChild<'_, S, W> {
        let definition = W::definition();
        let child = keep("input", &definition.id, input)
            .map(|input| ChildRun::new(definition.id.clone(), definition.version, input));
        StartChild { context: self, workflow: PhantomData, child }
    }

    /// Starts the run for which the stage waits.
    pub(crate) fn start_awaited<W: Workflow>(&self, input: Json, config: Json) -> StartChild<'_, S, W> {
        let definition = W::definition();
        let mut child = ChildRun::new(definition.id.clone(), definition.version, input);
        child.config = Some(config);
        child.is_awaited = true;
        StartChild { context: self, workflow: PhantomData, child: Ok(child) }
    }
}

impl<S, W: Workflow> StartChild<'_, S, W> {
    fn with(mut self, set: impl FnOnce(&mut ChildRun)) -> Self {
        if let Ok(child) = &mut self.child {
            set(child);
        }
        self
    }

    /// Sets the configuration. Without it each stage has its defaults.
    pub fn config(mut self, config: W::Config) -> Self {
        self.child = self.child.and_then(|child| {
            let config = keep("configuration", &child.workflow_id, config)?;
            Ok(ChildRun { config: Some(config), ..child })
        });
        self
    }

    /// Sets an idempotency key, as [`StartRun::idempotency_key`](crate::StartRun::idempotency_key) does: if a run was
    /// created with it before, that run's id is returned, and nothing is started. Without it, each generation of the stage
    /// starts its own run.
    pub fn idempotency_key(self, key: impl Into<String>) -> Self {
        self.with(|child| child.idempotency_key = Some(key.into()))
    }

    /// Sets the priority. Default: that of the parent.
    pub fn priority(self, priority: i32) -> Self {
        self.with(|child| child.priority = Some(priority))
    }

    /// Tags the run, beside the tags of its parent, of which it replaces one with the same key.
    pub fn tag(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(|child| drop(child.tags.insert(key.into(), value.into())))
    }

    /// Sets data of the stage about the run, any value that serde can serialize.
    pub fn metadata(mut self, metadata: impl Serialize) -> Self {
        self.child = self.child.and_then(|child| {
            let json = exact::encode(&metadata);
            if json.as_ref().is_err_and(Lossy::is_too_deep) {
                // Dropping it here could overflow the stack, and it need not be `Send`.
                std::mem::forget(metadata);
            }
            let json = json.map_err(|fault| unstorable("metadata", &child.workflow_id, &fault))?;
            Ok(ChildRun { metadata: Some(json), ..child })
        });
        self
    }

    /// Sets the highest cost of its calls of models. Default no limit.
    pub fn budget(self, budget: Cost) -> Self {
        self.with(|child| child.budget = Some(budget))
    }

    /// Starts the run at this instant; at once if it has passed. Not together with [`after`](Self::after).
    pub fn at(self, instant: DateTime<Utc>) -> Self {
        self.with(|child| child.start_at = Some(instant))
    }

    /// Starts the run this long after the commit of the stage.
    pub fn after(self, time: Duration) -> Self {
        self.with(|child| child.start_after = Some(time))
    }

    /// Sets the longest time of the run, in place of the option `deadline` of the workflow.
    pub fn deadline(self, time: Duration) -> Self {
        self.with(|child| child.deadline = Some(time))
    }

    async fn start(self) -> StageResult<RunId> {
        let Self { context, child, .. } = self;
        let child = child?;
        if let Some(first) = context.buffer().child_of_key(&child)? {
            return Ok(first);
        }
        match context.services().children.check(child).await? {
            CheckedChild::Existing(run_id) => Ok(run_id),
            CheckedChild::New(child) => context.buffer().add_child(context.scope(), child),
        }
    }
}

/// Returns the stored form of a value.
fn keep<T: Storable>(what: &str, workflow_id: &str, value: T) -> Result<Json, StageError> {
    let json = Json::store(&value);
    if json.as_ref().is_err_and(Lossy::is_too_deep) {
        deep_drop(value);
    }
    json.map_err(|fault| unstorable(what, workflow_id, &fault))
}

fn unstorable(what: &str, workflow_id: &str, fault: &Lossy) -> StageError {
    let code = if fault.is_too_deep() { fault.code() } else { ErrorCode::InvalidInput };
    StageError::with_code(
        code,
        format_args!("the {what} of a run of workflow `{workflow_id}` cannot be stored: {fault}"),
    )
}

impl<'a, S: 'a, W: Workflow> IntoFuture for StartChild<'a, S, W> {
    type Output = StageResult<RunId>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    /// # Errors
    /// Permanent, if the workflow is not registered in this process (`WORKFLOW_NOT_FOUND`), if input, configuration, tags
    /// or times are not valid, if the run would be more than 8 runs deep (`CHILD_TOO_DEEP`), if the idempotency key was
    /// used for another request (`IDEMPOTENCY_CONFLICT`), if the stage starts more than 1,000 runs, or if the attempt has
    /// ended. An error of the store is retryable.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}

impl<S, W> std::fmt::Debug for StartChild<'_, S, W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StartChild").field("child", &self.child).finish_non_exhaustive()
    }
}
