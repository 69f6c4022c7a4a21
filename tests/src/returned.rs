//! The return of a job by a worker that ends.

use workflow_engine::ports::Store;
use workflow_engine::records::StageRecord;
use workflow_engine::{Error, RunId, Status};

/// Waits until no worker holds the first stage of a run, and returns it: on a busy machine a drain ends before the commit
/// that returns the job.
///
/// # Errors
/// When the store cannot be read.
pub async fn wait_for_return(store: &dyn Store, run_id: RunId) -> Result<StageRecord, Error> {
    loop {
        let stage = store.stages(run_id).await?.swap_remove(0);
        if stage.status != Status::Running {
            return Ok(stage);
        }
        tokio::task::yield_now().await;
    }
}
