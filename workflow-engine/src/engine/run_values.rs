//! The values of a run as JSON.

use std::collections::BTreeMap;

use super::any_run::AnyRun;
use crate::error::Error;
use crate::records::{RunRecord, RunRequest, StageRecord, StoredValue};
use crate::value::{Json, StageKey};

impl AnyRun {
    /// The input that the run was started with, in its stored form.
    ///
    /// # Errors
    /// As [`AnyRun::record`], here and below.
    pub async fn input(&self) -> Result<Json, Error> {
        self.request().await.map(|request| request.input)
    }

    /// The complete configuration of the run: an object from stage ids to their fields, defaults included.
    ///
    /// # Errors
    /// As [`AnyRun::record`].
    pub async fn config(&self) -> Result<Json, Error> {
        self.request().await.map(|request| request.config)
    }

    /// The data that the caller gave to the start, if any.
    ///
    /// # Errors
    /// As [`AnyRun::record`].
    pub async fn metadata(&self) -> Result<Option<Json>, Error> {
        self.request().await.map(|request| request.metadata)
    }

    /// The tags that the run was started with, by key.
    ///
    /// # Errors
    /// As [`AnyRun::record`].
    pub async fn tags(&self) -> Result<BTreeMap<String, String>, Error> {
        let tags = self.store().tags(self.id()).await?;
        if tags.is_empty() {
            self.check_exists().await?;
        }
        Ok(tags)
    }

    /// Waits for the run to end, and returns its output: of a workflow that ends in a group, an array.
    ///
    /// # Errors
    /// [`Error::is_run_failed`] if a stage failed permanently; [`Error::is_run_cancelled`]; `WORKFLOW_NOT_FOUND` or
    /// `DEFINITION_MISMATCH` for a run that ends in a group, if neither this process nor the store has its definition; the errors of
    /// [`AnyRun::wait`].
    pub async fn output(&self) -> Result<Json, Error> {
        let run = self.completed().await?;
        match self.output_of(&run).await {
            // That generation's output follows.
            Err(error) if self.is_rerun_since(&run, &error).await? => Box::pin(self.output()).await,
            output => output.map_err(|error| self.engine().unless_closed(error)),
        }
    }

    async fn output_of(&self, run: &RunRecord) -> Result<Json, Error> {
        // A run with one output stage holds that stage's output itself.
        if let Some(output) = &run.output {
            return self.resolve(output.clone()).await;
        }
        let registry = self.engine().kernel().registry();
        let registered = registry.for_run(self.id(), &run.workflow_id, &run.definition_fingerprint);
        if let Ok(definition) = registered.map(|registered| registered.definition())
            && definition.output.has_choice()
        {
            let outputs = self.engine().kernel().output_values_of(self.id(), definition).await?;
            let missing = || Error::stage_not_found(self.id(), &definition.id);
            return definition.output.json(&mut outputs.iter()).map(Json::trusted).ok_or_else(missing);
        }
        let output_stages = self.engine().kernel().output_stages(run).await?;
        let outputs = self.engine().kernel().outputs_in_order(self.id(), &output_stages).await?;
        let texts: Vec<&str> = outputs.iter().map(Json::as_str).collect();
        Ok(Json::trusted(format!("[{}]", texts.join(","))))
    }

    /// The outputs of the stages that have completed so far, by stage: `embed`, or `embed[17]` in a repeated part.
    ///
    /// # Errors
    /// As [`AnyRun::record`].
    pub async fn outputs(&self) -> Result<BTreeMap<String, Json>, Error> {
        let stage_keys: Vec<StageKey> = self.stages().await?.iter().map(StageRecord::key).collect();
        let stored = self.engine().kernel().stored_outputs(self.id(), &stage_keys).await?;
        Ok(stored.into_iter().map(|(key, output)| (key.to_string(), output)).collect())
    }

    /// The output of a stage, if it has completed.
    ///
    /// # Errors
    /// As [`AnyRun::record`].
    pub async fn stage_output(&self, stage_key: impl Into<StageKey>) -> Result<Option<Json>, Error> {
        let stage_key = stage_key.into();
        let named = std::slice::from_ref(&stage_key);
        let mut stored = self.engine().kernel().stored_outputs(self.id(), named).await?;
        if stored.is_empty() {
            self.check_exists().await?;
        }
        Ok(stored.remove(&stage_key))
    }

    /// One artifact of a stage, if it exists.
    ///
    /// # Errors
    /// As [`AnyRun::record`].
    pub async fn artifact(&self, stage_key: impl Into<StageKey>, key: &str) -> Result<Option<Json>, Error> {
        let stage_key = stage_key.into();
        let Some(found) = self.store().artifact(self.id(), &stage_key, key).await? else {
            self.check_exists().await?;
            return Ok(None);
        };
        self.resolve(found.value).await.map(Some)
    }

    /// The value of an artifact or of a stage's record, wherever it is stored.
    ///
    /// # Errors
    /// `BLOB_MISSING` if a rerun or a purge has deleted it since; an error of the store or of the blob store.
    pub async fn resolve(&self, value: StoredValue) -> Result<Json, Error> {
        self.engine().kernel().resolve(self.id(), value).await
    }

    pub(super) async fn request(&self) -> Result<RunRequest, Error> {
        self.store().request(self.id()).await?.ok_or_else(|| Error::run_not_found(self.id()))
    }
}
