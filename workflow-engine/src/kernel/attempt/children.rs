//! The runs that a stage starts: checked when the body asks for them, created by the commit of the stage.

use std::sync::{Arc, Weak};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::port_retry::BodyPorts;
use crate::context::{CheckedChild, ChildOutcome, ChildRun, ChildRuns, SCHEDULE, StageError, StageResult};
use crate::error::{Error, ErrorCode};
use crate::kernel::Kernel;
use crate::kernel::commands::CreateRun;
use crate::ports::{Change, OtherRun};
use crate::records::{Lease, RunParent, Status};
use crate::value::RunId;

/// The runs that one attempt starts.
pub(super) struct AttemptChildren {
    /// A body that a stopped worker leaves behind does not keep the engine alive.
    kernel: Weak<Kernel>,
    ports: Arc<BodyPorts>,
}

impl AttemptChildren {
    pub(super) fn new(kernel: &Kernel, ports: Arc<BodyPorts>) -> Self {
        Self { kernel: Arc::downgrade(&kernel.shared()), ports }
    }

    fn kernel(&self) -> StageResult<Arc<Kernel>> {
        self.kernel.upgrade().ok_or_else(|| StageError::interrupted("the engine is shut down"))
    }

    async fn check_child(&self, mut child: ChildRun) -> StageResult<CheckedChild> {
        let kernel = self.kernel()?;
        let run_id = self.ports.lease().run_id;
        let parent = self.ports.call(|| self.ports.store.run(run_id)).await?;
        let parent = parent.ok_or_else(|| refused(&Error::run_not_found(run_id)))?;
        child.depth = parent.depth() + 1;
        if child.depth > RunParent::MAX_DEPTH {
            return Err(refused(&Error::child_too_deep(run_id, RunParent::MAX_DEPTH, &child.workflow_id)));
        }
        child.priority.get_or_insert(parent.priority);
        let mut tags = self.ports.call(|| self.ports.store.tags(run_id)).await?;
        // The schedule has started the parent, not its children.
        tags.remove(SCHEDULE);
        tags.append(&mut child.tags);
        child.tags = tags;
        let command = command(child.clone());
        child.metadata = command.metadata_in_trace(&kernel);
        command.check_only(&kernel).map_err(|error| refused(&error))?;
        let earlier = self.ports.call(|| command.earlier_run(&kernel, run_id)).await;
        // Not an error of the store: the key was used for another request.
        let earlier =
            earlier.map_err(|error| if error.is_retryable() { error.into() } else { refused(&error) })?;
        Ok(earlier.map_or(CheckedChild::New(child), CheckedChild::Existing))
    }

    async fn read_outcome(
        &self,
        run_id: RunId,
        workflow_id: &'static str,
        version: u32,
    ) -> StageResult<ChildOutcome> {
        let kernel = self.kernel()?;
        let Some(run) = self.ports.call(|| self.ports.store.run(run_id)).await? else {
            return Ok(ChildOutcome::Failed(refused(&Error::run_not_found(run_id))));
        };
        Ok(match run.status {
            Status::Completed => {
                let workflow = match kernel.registry().for_new_run(workflow_id, Some(version)) {
                    Ok(workflow) => workflow,
                    Err(error) => return Ok(ChildOutcome::Failed(refused(&error))),
                };
                match self.ports.call(|| kernel.output_values_of(run_id, workflow.definition())).await {
                    Ok(values) => ChildOutcome::Completed(values),
                    Err(error) if error.is_retryable() => return Err(error.into()),
                    // Its stages are others than those of which this process makes up the output.
                    Err(error) => ChildOutcome::Failed(refused(&error)),
                }
            }
            Status::Failed => {
                let (code, message) = run.error.map_or_else(
                    || (ErrorCode::StageFailed, "for an unknown reason".to_owned()),
                    |error| {
                        (ErrorCode::from_text(&error.code).unwrap_or(ErrorCode::StageFailed), error.message)
                    },
                );
                let message = format_args!("run {run_id} of workflow `{workflow_id}` failed: {message}");
                ChildOutcome::Failed(StageError::with_code(code, message))
            }
            Status::Cancelled => {
                let reason = run.cancel_reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                let message = format_args!("run {run_id} of workflow `{workflow_id}` was cancelled{reason}");
                ChildOutcome::Failed(StageError::with_code(ErrorCode::ChildCancelled, message))
            }
            _ => ChildOutcome::Open,
        })
    }
}

impl ChildRuns for AttemptChildren {
    fn check(&self, child: ChildRun) -> BoxFuture<'_, StageResult<CheckedChild>> {
        self.check_child(child).boxed()
    }

    fn outcome(
        &self,
        run_id: RunId,
        workflow_id: &'static str,
        version: u32,
    ) -> BoxFuture<'_, StageResult<ChildOutcome>> {
        self.read_outcome(run_id, workflow_id, version).boxed()
    }
}

/// Returns the changes that create these runs.
pub(super) fn start_changes(
    kernel: &Kernel,
    lease: &Lease,
    children: Vec<ChildRun>,
) -> Result<Vec<Change>, Error> {
    let start = |child: ChildRun| {
        let ChildRun { run_id, depth, is_awaited, .. } = child;
        let parent = RunParent::new(lease.run_id, &lease.stage_key, lease.generation, depth, is_awaited);
        let start = command(child).child_start(kernel, run_id, parent)?;
        Ok(Change::OtherRun(OtherRun::Start(Box::new(start))))
    };
    children.into_iter().map(start).collect()
}

/// Returns the definitions of the runs that these changes start.
pub(super) fn started_definitions(changes: &[Change]) -> Vec<String> {
    let started = changes.iter().filter_map(|change| match change {
        Change::OtherRun(OtherRun::Start(start)) => Some(start.run.definition_fingerprint.clone()),
        _ => None,
    });
    started.collect()
}

fn command(child: ChildRun) -> CreateRun {
    CreateRun {
        idempotency_key: child.idempotency_key,
        workflow_id: child.workflow_id,
        version: Some(child.version),
        input: child.input,
        config: child.config,
        priority: child.priority,
        metadata: child.metadata,
        tags: child.tags,
        annotations: Vec::new(),
        budget: child.budget,
        start_at: child.start_at,
        start_after: child.start_after,
        deadline: child.deadline,
    }
}

/// Returns the failure of a stage whose request is refused; another attempt would make the same request.
fn refused(error: &Error) -> StageError {
    StageError::with_code(error.code(), error)
}
