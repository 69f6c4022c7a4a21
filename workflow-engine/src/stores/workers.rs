//! What the stores share about registered workers.

use super::rows::ReadColumns;
use crate::ports::RegisteredWorker;
use crate::records::{NewWorker, WorkerRecord};

/// How long a store keeps the record of a worker that has drained. The next worker that registers deletes it.
pub(super) const RETENTION_DAYS: i64 = 30;

/// The most leases that are counted.
pub(super) const MAX_LEASES: usize = 10_000;

/// Returns names as a JSON array.
pub(super) fn names(names: &[String]) -> String {
    // Texts always have a JSON form.
    serde_json::to_string(names).unwrap_or_default()
}

/// Reads a worker: texts, numbers and instants.
pub(super) fn read<C: ReadColumns>(
    columns: &mut C,
    is_connected: Option<bool>,
) -> Result<RegisteredWorker, C::Failure> {
    const DEFINITIONS: &str = "definitions";

    let (id, host, process) = (columns.text("id")?, columns.text("host")?, columns.text("process")?);
    let (version, definitions) = (columns.text("version")?, columns.text(DEFINITIONS)?);
    let definitions =
        serde_json::from_str(&definitions).map_err(|error| columns.unreadable(DEFINITIONS, error))?;
    let (number, concurrency) = (columns.int("number")?, columns.int("concurrency")?);
    let worker = NewWorker { id, host, process, version, concurrency, definitions };
    let mut worker = WorkerRecord::new(number, worker, columns.instant("started_at")?);
    worker.drained_at = columns.maybe_instant("drained_at")?;
    Ok(RegisteredWorker { worker, is_connected })
}
