//! The options of a new run.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::CreateRun;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::records::{Annotation, RunStart};
use crate::value::{Cost, Json};

impl CreateRun {
    /// Creates a command that creates a run of this workflow with this input, and with the defaults of everything else.
    ///
    /// ```
    /// use workflow_engine::Json;
    /// use workflow_engine::kernel::CreateRun;
    ///
    /// let command = CreateRun::new("invoice", Json::encode(&7)?).tag("customer", "acme").idempotency_key("invoice-7");
    /// # let _ = command;
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn new(workflow_id: impl Into<String>, input: Json) -> Self {
        Self {
            idempotency_key: None,
            workflow_id: workflow_id.into(),
            version: None,
            input,
            config: None,
            priority: None,
            metadata: None,
            tags: BTreeMap::new(),
            annotations: Vec::new(),
            budget: None,
            start_at: None,
            start_after: None,
            deadline: None,
        }
    }

    /// Sets the idempotency key.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Sets the version of the workflow.
    #[must_use]
    pub const fn version(mut self, version: u32) -> Self {
        self.version = Some(version);
        self
    }

    /// Sets the configuration: an object from stage ids to their fields.
    #[must_use]
    pub fn config(mut self, config: Json) -> Self {
        self.config = Some(config);
        self
    }

    /// Sets the priority.
    #[must_use]
    pub const fn priority(mut self, priority: i32) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Sets the caller's own data.
    #[must_use]
    pub fn metadata(mut self, metadata: Json) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// Adds an annotation.
    #[must_use]
    pub fn annotate(mut self, annotation: Annotation) -> Self {
        self.annotations.push(annotation);
        self
    }

    /// Sets the highest cost of its calls of models.
    #[must_use]
    pub const fn budget(mut self, budget: Cost) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Sets the instant at which the run starts.
    #[must_use]
    pub const fn start_at(mut self, instant: DateTime<Utc>) -> Self {
        self.start_at = Some(instant);
        self
    }

    /// Sets how long after its creation the run starts.
    #[must_use]
    pub const fn start_after(mut self, time: Duration) -> Self {
        self.start_after = Some(time);
        self
    }

    /// Sets the longest time of the run.
    #[must_use]
    pub const fn deadline(mut self, time: Duration) -> Self {
        self.deadline = Some(time);
        self
    }

    /// Returns when the run starts, if not at once.
    pub(super) fn start(&self, kernel: &Kernel) -> Option<RunStart> {
        let start_at = self.start_at.filter(|instant| *instant > kernel.clock().now()).map(RunStart::At);
        start_at.or_else(|| self.start_after.filter(|time| !time.is_zero()).map(RunStart::After))
    }

    pub(super) fn check_times(&self) -> Result<(), Error> {
        if self.start_at.is_some() && self.start_after.is_some() {
            return Err(Error::invalid_request(
                "a run starts at an instant or after a time: give `start_at` or `start_after`, not both",
            ));
        }
        if self.deadline.is_some_and(|time| time.is_zero()) {
            return Err(Error::invalid_request(
                "a `deadline` is longer than 0: give the longest time of the run",
            ));
        }
        Ok(())
    }
}
