//! `annotation.attach`: something is noted about a run, from outside.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Kernel;
use super::command::Command;
use super::idempotency;
use crate::error::Error;
use crate::ports::{Change, Commit, Decision, Precondition};
use crate::records::Annotation;
use crate::value::{Json, RunId};

/// Notes something about a run, in whatever state it is: who decided, what was reviewed, where a value comes from. A
/// stage does so with its own commit, by [`StageContext::annotate`](crate::StageContext::annotate).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachAnnotation {
    /// The run.
    pub run_id: RunId,
    /// The stage that it is about.
    #[serde(default)]
    pub stage_id: Option<String>,
    /// See [`Annotation`], here and below.
    pub attributes: BTreeMap<String, Json>,
    /// Who says so.
    #[serde(default)]
    pub actor: Option<String>,
    /// Where it counts.
    #[serde(default)]
    pub scope: Option<String>,
    /// What goes with it.
    #[serde(default)]
    pub payload: Option<Json>,
    /// Whether each attribute is told as an event, `annotation:created`.
    #[serde(default)]
    pub emit_event: bool,
    /// The same key with the same request notes it once; see [`CreateRun`](super::CreateRun).
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

/// What was noted, now or by an earlier request with this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachAnnotationOutput {
    /// How many attributes: so many records.
    pub attached: usize,
}

#[derive(Serialize)]
struct Request<'a>(RunId, Option<&'a str>, &'a Annotation);

impl AttachAnnotation {
    /// This annotation of this run.
    #[must_use]
    pub fn new(run_id: RunId, annotation: Annotation) -> Self {
        Self {
            run_id,
            stage_id: None,
            attributes: annotation.attributes,
            actor: annotation.actor,
            scope: annotation.scope,
            payload: annotation.payload,
            emit_event: annotation.emit_event,
            idempotency_key: None,
        }
    }

    fn annotation(self) -> Annotation {
        Annotation {
            attributes: self.attributes,
            actor: self.actor,
            scope: self.scope,
            payload: self.payload,
            emit_event: self.emit_event,
            fault: None,
        }
    }
}

#[async_trait]
impl Command for AttachAnnotation {
    type Output = AttachAnnotationOutput;
    const NAME: &'static str = "annotation.attach";

    /// # Errors
    /// `RUN_NOT_FOUND`, `STAGE_NOT_FOUND`, `INVALID_ANNOTATION`, `IDEMPOTENCY_CONFLICT`.
    async fn execute(mut self, kernel: &Kernel) -> Result<AttachAnnotationOutput, Error> {
        let (run_id, stage_id) = (self.run_id, self.stage_id.take());
        let key = self.idempotency_key.take();
        let annotation = self.annotation();
        annotation.check().map_err(Error::invalid_annotation)?;
        if let Some(stage_id) = &stage_id {
            check_stage(kernel, run_id, stage_id).await?;
        }
        let answer = AttachAnnotationOutput { attached: annotation.attributes.len() };
        let request = Request(run_id, stage_id.as_deref(), &annotation);
        let entry = key.map(|key| idempotency::entry(Self::NAME, &key, &request, &answer)).transpose()?;
        let decision = Decision {
            run_id,
            precondition: Precondition::Present,
            idempotency: entry.clone(),
            changes: vec![Change::Annotate { stage_id, annotation }],
        };
        match (kernel.store().commit(decision).await?, entry) {
            (Commit::Applied(_), _) => Ok(answer),
            (Commit::Duplicate { request_hash, result }, Some(entry)) => {
                idempotency::answer(&entry, &request_hash, &result)
            }
            _ => Err(Error::run_not_found(run_id)),
        }
    }
}

/// The stage is one of the run's workflow, where this process has that; otherwise one that the store knows.
async fn check_stage(kernel: &Kernel, run_id: RunId, stage_id: &str) -> Result<(), Error> {
    let run = kernel.store().run(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
    let is_known = match kernel.registry().by_fingerprint(&run.definition_fingerprint) {
        Some(registered) => registered.stage(stage_id).is_some(),
        None => kernel.store().stage(run_id, stage_id).await?.is_some(),
    };
    if is_known { Ok(()) } else { Err(Error::stage_not_found(run_id, stage_id)) }
}
