//! `annotation.attach`: annotates a run from outside.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::idempotency;
use crate::kernel::named_place::check_place;
use crate::ports::{Change, Commit, Decision, Precondition};
use crate::records::Annotation;
use crate::value::{Json, RunId, StageKey};

/// Annotates a run in any state, with a decision, a review or the source of a value for example. A stage annotates its
/// run in its own commit, with [`StageContext::annotate`](crate::StageContext::annotate).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachAnnotation {
    /// The run.
    pub run_id: RunId,
    /// The stage that the annotation describes.
    #[serde(rename = "stage_id", default)]
    pub stage_key: Option<StageKey>,
    /// The attributes; see [`Annotation`] for these and the fields below.
    pub attributes: BTreeMap<String, Json>,
    /// The author.
    #[serde(default)]
    pub actor: Option<String>,
    /// The scope.
    #[serde(default)]
    pub scope: Option<String>,
    /// The payload.
    #[serde(default)]
    pub payload: Option<Json>,
    /// Whether each attribute emits an event, `annotation:created`.
    #[serde(default)]
    pub emit_event: bool,
    /// The idempotency key. The same key with the same request annotates once; see [`CreateRun`](super::CreateRun).
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

/// The records that this request or an earlier one with the same key wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachAnnotationOutput {
    /// The number of attributes, which is the number of records.
    pub attached: usize,
}

#[derive(Serialize)]
struct Request<'a>(RunId, Option<&'a StageKey>, &'a Annotation);

impl AttachAnnotation {
    /// Creates a command that attaches this annotation to this run.
    #[must_use]
    pub fn new(run_id: RunId, annotation: Annotation) -> Self {
        Self {
            run_id,
            stage_key: None,
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
        let (run_id, stage_key) = (self.run_id, self.stage_key.take());
        let key = self.idempotency_key.take();
        let annotation = self.annotation();
        annotation.check().map_err(Error::invalid_annotation)?;
        if let Some(stage_key) = &stage_key {
            check_stage(kernel, run_id, stage_key).await?;
        }
        let output = AttachAnnotationOutput { attached: annotation.attributes.len() };
        let request = Request(run_id, stage_key.as_ref(), &annotation);
        let entry = key.map(|key| idempotency::entry(Self::NAME, &key, &request, &output)).transpose()?;
        let decision = Decision {
            run_id,
            precondition: Precondition::Present,
            command: Self::NAME,
            idempotency: entry.clone(),
            changes: vec![Change::Annotate { stage_key, annotation }],
        };
        match (kernel.store().commit(decision).await?, entry) {
            (Commit::Applied(_), _) => Ok(output),
            (Commit::Duplicate { request_hash, result }, Some(entry)) => {
                idempotency::first_output(&entry, &request_hash, &result)
            }
            _ => Err(Error::run_not_found(run_id)),
        }
    }

    fn run(&self) -> Option<RunId> {
        Some(self.run_id)
    }
}

/// Checks that the run has this stage: by the run's workflow where this process has it, otherwise by the store's rows.
async fn check_stage(kernel: &Kernel, run_id: RunId, stage_key: &StageKey) -> Result<(), Error> {
    let run = kernel.store().run(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
    let exists = match kernel.registry().by_fingerprint(&run.definition_fingerprint) {
        Some(registered) => registered.stage(&stage_key.id).is_some(),
        None => kernel.store().stage(run_id, stage_key).await?.is_some(),
    };
    if !exists {
        return Err(Error::stage_not_found(run_id, stage_key));
    }
    check_place(kernel, run_id, stage_key).await
}
