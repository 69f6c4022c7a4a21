//! Starting a run.

use std::future::IntoFuture;

use futures_util::future::BoxFuture;
use serde::Serialize;

use super::{Engine, RunHandle};
use crate::error::Error;
use crate::kernel::{CreateRun, Placement, create};
use crate::records::{Annotation, Claimant};
use crate::stage::Workflow;
use crate::value::{Cost, Json};

/// A run about to be started; `.await` starts it.
///
/// When that returns, the run is on disk. On an engine with a worker that has room it is running already: its first
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
/// workflow! { greeting = greet }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").register::<greeting>().build().await?;
/// let start = || {
///     engine
///         .start::<greeting>(GreetInput { name: "Ada".into() })
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
#[must_use = "a run starts when this is awaited"]
pub struct StartRun<'a, W: Workflow> {
    engine: &'a Engine,
    input: W::Input,
    config: Option<W::Config>,
    key: Option<String>,
    priority: Option<i32>,
    metadata: Option<Result<Json, serde_json::Error>>,
    annotations: Vec<Annotation>,
    budget: Option<Cost>,
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
            annotations: Vec::new(),
            budget: None,
        }
    }

    /// The configuration. Without it each stage has its defaults.
    pub fn config(mut self, config: W::Config) -> Self {
        self.config = Some(config);
        self
    }

    /// An idempotency key, 1 to 255 bytes: starting again with the same key and the same request answers the run that
    /// the first one made; with another request it is an `IDEMPOTENCY_CONFLICT`.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Higher is claimed first; among equals workflows take turns. Default 5.
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Anything that serde writes, kept with the run for the caller's own use.
    pub fn metadata(mut self, metadata: impl Serialize) -> Self {
        self.metadata = Some(Json::encode(&metadata));
        self
    }

    /// Notes something about the run, in the commit that creates it.
    pub fn annotate(mut self, annotation: Annotation) -> Self {
        self.annotations.push(annotation);
        self
    }

    /// What its calls of models may cost, in all its generations together. Default no limit.
    pub fn budget(mut self, budget: Cost) -> Self {
        self.budget = Some(budget);
        self
    }

    async fn start(self) -> Result<RunHandle<W>, Error> {
        let workflow_id = &W::definition().id;
        let input = Json::store(&self.input).map_err(|error| Error::invalid_input(workflow_id, error))?;
        let config = self
            .config
            .map(|config| Json::encode(&config))
            .transpose()
            .map_err(|error| Error::invalid_config(workflow_id, error))?;
        let metadata = self
            .metadata
            .transpose()
            .map_err(|error| Error::invalid_request(format!("the metadata cannot be written: {error}")))?;
        let command = CreateRun {
            idempotency_key: self.key,
            workflow_id: workflow_id.clone(),
            input,
            config,
            priority: self.priority,
            metadata,
            annotations: self.annotations,
            budget: self.budget,
        };
        let kernel = self.engine.kernel();
        let priority = self.priority.unwrap_or(Claimant::DEFAULT_PRIORITY);
        let link = self.engine.worker().map(crate::host::Worker::link);
        let reserved = link.and_then(|link| Some((link, link.reserve(W::definition(), priority)?)));
        let created = match reserved {
            None => {
                let place = if link.is_some() { Placement::Here } else { Placement::Elsewhere };
                self.engine.telling_schedulers(create(kernel, command, place)).await?
            }
            Some((link, permits)) => {
                let place = Placement::Slots(link.claim(), permits.len());
                let created = create(kernel, command, place).await?;
                link.run(created.claimed.clone(), permits);
                created
            }
        };
        Ok(RunHandle::new(self.engine.clone(), created.run.run_id))
    }
}

impl<'a, W: Workflow> IntoFuture for StartRun<'a, W> {
    type Output = Result<RunHandle<W>, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}
