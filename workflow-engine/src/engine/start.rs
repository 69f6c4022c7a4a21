//! Starting a run.

use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde::Serialize;

use super::{Engine, RunHandle};
use crate::context::{TRACEPARENT, parse_traceparent};
use crate::error::Error;
use crate::kernel::CreateRun;
use crate::language::Workflow;
use crate::records::Annotation;
use crate::value::exact::{self, deep_drop};
use crate::value::{Cost, Json, Lossy, Storable};

/// A run to be started; `.await` starts it.
///
/// When it returns, the run is on disk. On an engine whose worker has free slots the run has started by then: its first
/// stages are claimed in the commit that creates it.
///
/// ```
/// use workflow_engine::prelude::*;
///
/// #[stage]
/// async fn greet(name: String, #[config(default = "Hello".to_owned())] word: String) -> StageResult<String> {
///     Ok(format!("{word}, {name}"))
/// }
///
/// workflow! { Greeting = greet }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").register::<Greeting>().build().await?;
/// let start = || {
///     engine
///         .start::<Greeting>(GreetInput { name: "Ada".into() })
///         .config(GreetingConfig { greet: GreetConfig { word: "Good day".into() } })
///         .priority(8)
///         .idempotency_key("visit-7")
/// };
/// let run = start().await?;
/// assert_eq!(run.output().await?, "Good day, Ada");
/// assert_eq!(start().await?.id(), run.id()); // the key was used: the same run
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Of the awaited start: `WORKFLOW_NOT_FOUND` if this engine has not registered the workflow; `INVALID_INPUT`,
/// `INVALID_CONFIG`, `INVALID_TAG`, `INVALID_ANNOTATION`; `INVALID_REQUEST` for a key, a time or a `traceparent` that is not
/// valid; `PAYLOAD_TOO_LARGE`, `PAYLOAD_TOO_DEEP`, `PAYLOAD_CHANGED` or `PAYLOAD_UNREADABLE` for a value that cannot be
/// stored; `IDEMPOTENCY_CONFLICT`; `WORKFLOW_MISMATCH` if the key has started a run of another version; `SHUTTING_DOWN`; an
/// error of the store. After a retryable error, start again with the same key.
#[must_use = "a run starts when this is awaited"]
pub struct StartRun<'a, W: Workflow> {
    pub(super) engine: &'a Engine,
    input: W::Input,
    config: Option<W::Config>,
    pub(super) key: Option<String>,
    priority: Option<i32>,
    metadata: Option<Result<Json, Lossy>>,
    traceparent: Option<String>,
    tags: Vec<(String, String)>,
    annotations: Vec<Annotation>,
    budget: Option<Cost>,
    start_at: Option<DateTime<Utc>>,
    start_after: Option<Duration>,
    deadline: Option<Duration>,
}

impl<'a, W: Workflow> StartRun<'a, W> {
    pub(super) fn new(engine: &'a Engine, input: W::Input) -> Self {
        Self {
            engine,
            input,
            config: None,
            key: None,
            priority: None,
            metadata: None,
            traceparent: None,
            tags: Vec::new(),
            annotations: Vec::new(),
            budget: None,
            start_at: None,
            start_after: None,
            deadline: None,
        }
    }

    /// Sets the configuration. Without it each stage has its defaults.
    pub fn config(mut self, config: W::Config) -> Self {
        self.config = Some(config);
        self
    }

    /// Sets an idempotency key, 1 to 255 bytes. Starting again with the same key and the same request returns the run of
    /// the first request; with another request it is an `IDEMPOTENCY_CONFLICT`. The workflow, the input and the
    /// configuration identify a request; version, priority, metadata, tags, annotations, budget, start and deadline do
    /// not.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the priority. Higher is claimed first; among equals workflows take turns. Default 5.
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Sets the caller's own data, any value that serde can serialize. It is stored with the run. A value of which a part
    /// would be lost, as a number that is not finite, makes the start fail.
    pub fn metadata(mut self, metadata: impl Serialize) -> Self {
        let json = exact::encode(&metadata);
        if json.as_ref().is_err_and(Lossy::is_too_deep) {
            // Dropping it here could overflow the stack, and it need not be `Send`.
            std::mem::forget(metadata);
        }
        self.metadata = Some(json);
        self
    }

    /// Sets the trace that the run belongs to: the value of the header `traceparent` of the request that starts it, in the
    /// form of W3C. Stages continue the trace with [`StageContext::traceparent`](crate::StageContext::traceparent). It is
    /// stored as `traceparent` in the metadata, which must be an object or absent, and does not identify a request.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage]
    /// async fn trace(ctx: &StageContext) -> StageResult<String> {
    ///     Ok(ctx.traceparent())
    /// }
    ///
    /// workflow! { Tracing = trace }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = Engine::builder("memory:").register::<Tracing>().build().await?;
    /// let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// let run = engine.start::<Tracing>(Default::default()).traceparent(caller).await?;
    /// assert!(run.output().await?.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The start fails with `INVALID_REQUEST` if the text has another form, or the metadata has no room for it.
    pub fn traceparent(mut self, traceparent: impl Into<String>) -> Self {
        self.traceparent = Some(traceparent.into());
        self
    }

    /// Tags the run, so that [`Engine::runs`] finds it: at most 16 tags, with keys of 1 to 64 bytes and values of at most
    /// 256 bytes. A run without tags costs nothing more. Tags do not change; payloads are not searched, so tag what you
    /// will look for.
    ///
    /// ```
    /// use workflow_engine::RunFilter;
    /// use workflow_engine::prelude::*;
    ///
    /// # #[stage]
    /// # async fn double(number: u32) -> StageResult<u32> {
    /// #     Ok(number * 2)
    /// # }
    /// # workflow! { Doubling = double }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = Engine::builder("memory:").register::<Doubling>().build().await?;
    /// let run = engine.start::<Doubling>(DoubleInput { number: 21 }).tag("customer", "acme").await?;
    ///
    /// let of_acme = engine.runs(&RunFilter::new().tag("customer", "acme")).await?;
    /// assert_eq!(of_acme.items[0].id, run.id());
    /// # Ok(())
    /// # }
    /// ```
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }

    /// Annotates the run in the commit that creates it.
    pub fn annotate(mut self, annotation: Annotation) -> Self {
        self.annotations.push(annotation);
        self
    }

    /// Sets the highest cost of its calls of models, over all its generations. Default no limit.
    pub fn budget(mut self, budget: Cost) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Starts the run at this instant; at once if it has passed. Until then the run is `PENDING`, can be cancelled, and
    /// costs nothing. Together with [`after`](Self::after), the start fails with `INVALID_REQUEST`.
    ///
    /// The time counts on the clock of the store. See also [`AnyRun::blocked_reason`](crate::AnyRun::blocked_reason).
    pub fn at(mut self, instant: DateTime<Utc>) -> Self {
        self.start_at = Some(instant);
        self
    }

    /// Starts the run this long after its creation, as [`at`](Self::at) does at an instant.
    ///
    /// ```
    /// use std::time::Duration;
    /// use workflow_engine::ErrorCode;
    /// use workflow_engine::prelude::*;
    ///
    /// # #[stage]
    /// # async fn double(number: u32) -> StageResult<u32> {
    /// #     Ok(number * 2)
    /// # }
    /// # workflow! { Doubling = double }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = Engine::builder("memory:").register::<Doubling>().build().await?;
    /// let week = Duration::from_secs(7 * 86_400);
    /// let run = engine.start::<Doubling>(DoubleInput { number: 21 }).after(week).await?;
    /// assert_eq!(run.status().await?, Status::Pending);
    /// assert_eq!(run.blocked_reason().await?.expect("it waits").code(), ErrorCode::NotDue);
    /// run.cancel("not needed any more").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn after(mut self, time: Duration) -> Self {
        self.start_after = Some(time);
        self
    }

    /// Sets the longest time of the run, in place of the option `deadline` of the workflow: from its creation, from the
    /// instant at which it starts later, or from its rerun. A run that has not ended then fails with `DEADLINE_EXCEEDED`,
    /// whether it waits, runs or retries; running bodies are notified through
    /// [`StageContext::cancellation`](crate::StageContext::cancellation). No `catch` takes it. More than 0; otherwise the
    /// start fails with `INVALID_REQUEST`.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = Some(time);
        self
    }

    async fn start(self) -> Result<RunHandle<W>, Error> {
        let engine = self.engine;
        let has_key = self.key.is_some();
        let mark = engine.store().hints().mark_ends();
        let run_id = engine.dispatch(self.command()?).await?.run_id;
        if !has_key {
            return Ok(RunHandle::new_created(engine.clone(), run_id, mark));
        }
        // An earlier request with this key may have created the run, with another version.
        if engine.kernel().registry().has_versions(&W::definition().id) {
            return engine.run_handle(run_id).await;
        }
        Ok(RunHandle::new(engine.clone(), run_id))
    }

    /// Returns the command that creates the run.
    pub(super) fn command(self) -> Result<CreateRun, Error> {
        let definition = W::definition();
        let workflow_id = &definition.id;
        // The run is of the caller's own definition, or there is none.
        self.engine.kernel().registry().of_type(definition)?;
        let input = keep(self.input).map_err(|fault| {
            let invalid = |fault| Error::invalid_input(workflow_id, fault);
            refused("input", workflow_id, fault, invalid)
        })?;
        let config = self.config.map(keep).transpose().map_err(|fault| {
            let invalid = |fault| Error::invalid_config(workflow_id, fault);
            refused("configuration", workflow_id, fault, invalid)
        })?;
        let metadata = self
            .metadata
            .transpose()
            .map_err(|fault| Error::unstorable("metadata", workflow_id, fault.code(), fault))?;
        let metadata = match self.traceparent {
            Some(traceparent) => Some(with_traceparent(metadata, &traceparent)?),
            None => metadata,
        };
        let mut tags = BTreeMap::new();
        for (key, value) in self.tags {
            if let Some(first) = tags.insert(key.clone(), value) {
                return Err(Error::invalid_tag(format_args!(
                    "it has the key {key:?} twice, first for {first:?}"
                )));
            }
        }
        Ok(CreateRun {
            idempotency_key: self.key,
            workflow_id: workflow_id.clone(),
            version: Some(definition.version),
            input,
            config,
            priority: self.priority,
            metadata,
            tags,
            annotations: self.annotations,
            budget: self.budget,
            start_at: self.start_at,
            start_after: self.start_after,
            deadline: self.deadline,
        })
    }
}

/// Returns the metadata with the caller's trace.
///
/// # Errors
/// `INVALID_REQUEST`.
fn with_traceparent(metadata: Option<Json>, traceparent: &str) -> Result<Json, Error> {
    if parse_traceparent(traceparent).is_none() {
        let shown: String = traceparent.chars().take(64).collect();
        return Err(Error::invalid_request(format!(
            "{shown:?} is not a `traceparent`: write `00-`, 32 and `-` and 16 hexadecimal digits, and `-01`, as W3C prescribes"
        )));
    }
    let not_an_object = || {
        Error::invalid_request(
            "a run with a `traceparent` needs metadata that is an object without this key, or no metadata",
        )
    };
    let mut fields: BTreeMap<String, Json> = match metadata {
        None => BTreeMap::new(),
        Some(metadata) => metadata.decode().map_err(|_| not_an_object())?,
    };
    let stored = Json::write(traceparent).map_err(|error| Error::invalid_request(error.to_string()))?;
    match fields.insert(TRACEPARENT.to_owned(), stored) {
        Some(_) => Err(not_an_object()),
        None => Json::write(&fields).map_err(|error| Error::invalid_request(error.to_string())),
    }
}

/// Returns the error of a value that cannot be stored: a limit has its own code, everything else is not valid.
fn refused(what: &str, workflow_id: &str, fault: Lossy, invalid: impl FnOnce(Lossy) -> Error) -> Error {
    if fault.is_too_deep() {
        Error::unstorable(what, workflow_id, fault.code(), fault)
    } else {
        invalid(fault)
    }
}

/// Returns the stored form of a value.
fn keep<T: Storable>(value: T) -> Result<Json, Lossy> {
    let json = Json::store(&value);
    if json.as_ref().is_err_and(Lossy::is_too_deep) {
        deep_drop(value);
    }
    json
}

impl<'a, W: Workflow> IntoFuture for StartRun<'a, W> {
    type Output = Result<RunHandle<W>, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}
