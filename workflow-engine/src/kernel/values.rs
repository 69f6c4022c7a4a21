//! Outputs on their way into and out of the store: small ones inline, large ones as blobs.

use std::collections::HashMap;
use std::sync::Arc;

use super::Kernel;
use super::run_cache::RunMemory;
use crate::error::Error;
use crate::ports::{BlobStore, Change, Store};
use crate::records::{BlobKey, Lease, StoredValue};
use crate::value::{Json, RunId};

/// An output, ready to be committed with its stage.
pub(super) struct PreparedOutput {
    pub(super) value: StoredValue,
    /// The blob, where it goes to the store's own table.
    pub(super) blob: Option<Change>,
}

/// The epoch is part of the key, so a worker that has lost its lease cannot replace the blob of the one that has it.
fn blob_key(lease: &Lease) -> BlobKey {
    BlobKey(format!("{}/{}/{}/{}", lease.run_id, lease.stage_id, lease.generation, lease.epoch))
}

/// The text of a stored value, from its row or from where blobs are.
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

impl Kernel {
    /// Decides where an output goes. A blob store outside the database has it before the commit names it; a crash in
    /// between leaves an orphan there and nothing else.
    pub(super) async fn prepare_output(&self, lease: &Lease, output: &Json) -> Result<PreparedOutput, Error> {
        self.prepare(output, || blob_key(lease)).await
    }

    /// The same for an artifact, the `number`th of its attempt.
    pub(super) async fn prepare_artifact(
        &self,
        lease: &Lease,
        number: usize,
        value: &Json,
    ) -> Result<PreparedOutput, Error> {
        self.prepare(value, || BlobKey(format!("{}/artifacts/{number}", blob_key(lease).0))).await
    }

    async fn prepare(
        &self,
        output: &Json,
        key: impl FnOnce() -> BlobKey + Send,
    ) -> Result<PreparedOutput, Error> {
        if output.as_str().len() <= self.ports().inline_limit {
            return Ok(PreparedOutput { value: StoredValue::Inline(output.clone()), blob: None });
        }
        let key = key();
        let blob = match &self.ports().blobs {
            Some(blobs) => {
                blobs.put(&key, output).await?;
                None
            }
            None => Some(Change::PutBlob { key: key.clone(), value: output.clone() }),
        };
        Ok(PreparedOutput { value: StoredValue::Blob(key), blob })
    }

    /// The text of a stored value.
    pub(crate) async fn resolve(&self, run_id: RunId, value: StoredValue) -> Result<Json, Error> {
        resolve(&**self.store(), self.ports().blobs.as_deref(), run_id, value).await
    }

    /// The stored outputs of those of these stages that have completed.
    pub(crate) async fn stored_outputs(
        &self,
        run_id: RunId,
        stage_ids: &[String],
    ) -> Result<HashMap<String, Json>, Error> {
        let mut outputs = HashMap::with_capacity(stage_ids.len());
        for (stage_id, value) in self.store().outputs(run_id, stage_ids).await? {
            outputs.insert(stage_id, self.resolve(run_id, value).await?);
        }
        Ok(outputs)
    }

    /// What is remembered of a run, read from the store where it is not.
    pub(super) async fn run_memory(&self, run_id: RunId, generation: u32) -> Result<Arc<RunMemory>, Error> {
        if let Some(memory) = self.memories().get(run_id, generation) {
            return Ok(memory);
        }
        let request = self.store().request(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
        let config: HashMap<String, Json> = request
            .config
            .decode()
            .map_err(|error| Error::stored_value(run_id, "its configuration", error))?;
        Ok(self.memories().insert(run_id, generation, RunMemory::new(request.input, config)))
    }
}
