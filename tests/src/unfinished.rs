//! The unfinished runs of a workflow.

use futures_util::TryStreamExt;
use workflow_engine::prelude::*;
use workflow_engine::{Error, RunFilter};

/// Returns handles of the unfinished runs of a workflow, oldest first. Runs of another version are left out.
///
/// # Errors
/// When the store cannot be read.
pub async fn unfinished<W: Workflow>(engine: &Engine) -> Result<Vec<RunHandle<W>>, Error> {
    let filter = RunFilter::new().workflow::<W>().unfinished();
    let mut runs: Vec<_> = engine.runs(&filter).stream().try_collect().await?;
    runs.reverse();
    let mut handles = Vec::with_capacity(runs.len());
    for run in runs {
        match engine.run_handle::<W>(run.id).await {
            Ok(handle) => handles.push(handle),
            // It is a run of another version.
            Err(error) if error.code() == "WORKFLOW_MISMATCH" => {}
            Err(error) => return Err(error),
        }
    }
    Ok(handles)
}
