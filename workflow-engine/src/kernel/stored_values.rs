//! Values on their way into and out of the store: small ones inline, large ones as blobs.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Kernel;
use super::run_cache::CachedRun;
use crate::error::Error;
use crate::ports::{BlobStore, Change, Store};
use crate::records::{BlobKey, Lease, StoredValue};
use crate::value::{Json, RunId, StageKey};

/// A value that is ready to be committed with its stage.
pub(super) struct PreparedValue {
    pub(super) value: StoredValue,
    /// The blob, where it goes to the store's own table.
    pub(super) blob: Option<Change>,
}

/// Returns the key of an output's blob. The epoch is part of it, so a worker that has lost its lease cannot overwrite
/// the blob of the worker that holds it.
fn blob_key(lease: &Lease) -> BlobKey {
    BlobKey(format!("{}/{}/{}/{}", lease.run_id, lease.stage_key, lease.generation, lease.epoch))
}

/// Prepares an output for its commit. A blob store outside of the database receives a large one before the commit names
/// it; a crash in between leaves only an orphaned blob.
pub(super) async fn prepare_output(
    kernel: &Kernel,
    lease: &Lease,
    output: &Json,
) -> Result<PreparedValue, Error> {
    prepare(kernel, output, || blob_key(lease)).await
}

/// As [`prepare_output`], for the `number`th artifact of an attempt.
pub(super) async fn prepare_artifact(
    kernel: &Kernel,
    lease: &Lease,
    number: usize,
    value: &Json,
) -> Result<PreparedValue, Error> {
    prepare(kernel, value, || BlobKey(format!("{}/artifacts/{number}", blob_key(lease).0))).await
}

/// As [`prepare_output`], for a stage of a new run that takes its output over. No lease has the epoch 0.
pub(super) async fn prepare_taken_over(
    kernel: &Kernel,
    run_id: RunId,
    stage_key: &StageKey,
    output: &Json,
) -> Result<PreparedValue, Error> {
    let lease = Lease { run_id, stage_key: stage_key.clone(), generation: 1, epoch: 0 };
    prepare_output(kernel, &lease, output).await
}

async fn prepare(
    kernel: &Kernel,
    value: &Json,
    key: impl FnOnce() -> BlobKey + Send,
) -> Result<PreparedValue, Error> {
    if value.as_str().len() <= kernel.config().inline_limit {
        return Ok(PreparedValue { value: StoredValue::Inline(value.clone()), blob: None });
    }
    let key = key();
    let blob = match &kernel.config().blobs {
        Some(blobs) => {
            blobs.put(&key, value).await?;
            None
        }
        None => Some(Change::PutBlob { key: key.clone(), value: value.clone() }),
    };
    Ok(PreparedValue { value: StoredValue::Blob(key), blob })
}

/// Returns the text of a stored value, from its row or from the blob store.
pub(super) async fn resolve(
    store: &dyn Store,
    blobs: Option<&dyn BlobStore>,
    run_id: RunId,
    value: StoredValue,
) -> Result<Json, Error> {
    let key = match value {
        StoredValue::Inline(json) => return Ok(json),
        StoredValue::Blob(key) => key,
    };
    let found = match blobs {
        Some(blobs) => blobs.get(&key).await?,
        None => store.blob(&key).await?,
    };
    found.ok_or_else(|| Error::blob_missing(run_id, &key.0))
}

/// Returns the stored outputs of those of these stages that have completed.
pub(super) async fn stored_outputs(
    kernel: &Kernel,
    run_id: RunId,
    stage_keys: &[StageKey],
) -> Result<HashMap<StageKey, Json>, Error> {
    let mut outputs = HashMap::with_capacity(stage_keys.len());
    for (stage_key, value) in kernel.store().outputs(run_id, stage_keys).await? {
        outputs.insert(stage_key, kernel.resolve(run_id, value).await?);
    }
    Ok(outputs)
}

/// Returns a run from the cache, or reads and caches it.
pub(super) async fn cached_run(
    kernel: &Kernel,
    run_id: RunId,
    generation: u32,
) -> Result<Arc<CachedRun>, Error> {
    if let Some(run) = kernel.run_cache().get(run_id, generation) {
        return Ok(run);
    }
    let request = kernel.store().request(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
    let config: BTreeMap<String, Json> =
        request.config.decode().map_err(|error| Error::stored_value(run_id, "its configuration", error))?;
    Ok(kernel.run_cache().insert(run_id, generation, CachedRun::new(request.input, config, request.metadata)))
}
