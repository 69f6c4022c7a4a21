//! A run that is created as the child of another one.

use tracing::Span;

use super::{Checked, CreateRun, traced_metadata};
use crate::error::Error;
use crate::kernel::{Kernel, idempotency};
use crate::ports::ChildStart;
use crate::records::RunParent;
use crate::value::{Json, RunId};

impl CreateRun {
    /// Returns the run as the child of another one, to be created by the commit of a stage.
    pub(crate) fn child_start(
        self,
        kernel: &Kernel,
        run_id: RunId,
        parent: RunParent,
    ) -> Result<ChildStart, Error> {
        let Checked { registered, request, entry, .. } = self.check(kernel, run_id)?;
        let definition = registered.definition();
        Ok(ChildStart {
            run_id,
            idempotency: entry,
            run: self.new_run(definition, request, Some(parent)),
            budget: self.budget,
            start: self.start(kernel),
            deadline: self.deadline.or(definition.deadline),
            tags: self.tags,
        })
    }

    /// Returns the metadata with the trace of the body that starts the run.
    pub(crate) fn metadata_in_trace(&self, kernel: &Kernel) -> Option<Json> {
        traced_metadata(kernel, self.metadata.clone(), &Span::current())
    }

    /// Returns the run that an earlier request with the same idempotency key has created. `existing` is any run.
    pub(crate) async fn earlier_run(&self, kernel: &Kernel, existing: RunId) -> Result<Option<RunId>, Error> {
        let Some(entry) = self.entry(existing)? else { return Ok(None) };
        idempotency::stored_output(kernel, existing, &entry).await
    }
}
