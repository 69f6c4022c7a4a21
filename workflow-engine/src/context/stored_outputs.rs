//! The outputs of other stages, stored and decoded.

use std::any::Any;
use std::collections::HashMap;
use std::sync::OnceLock;

use crate::value::{Json, Storable};

/// The stored outputs of other stages by stage id; each is decoded once, when it is first read by reference.
pub(super) struct StoredOutputs {
    outputs: HashMap<String, StoredOutput>,
}

struct StoredOutput {
    json: Json,
    decoded: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl StoredOutputs {
    pub(super) fn new(outputs: HashMap<String, Json>) -> Self {
        let decodable = |json| StoredOutput { json, decoded: OnceLock::new() };
        Self { outputs: outputs.into_iter().map(|(id, json)| (id, decodable(json))).collect() }
    }

    /// The outputs as they are stored.
    pub(super) fn to_json(&self) -> HashMap<String, Json> {
        self.outputs.iter().map(|(id, output)| (id.clone(), output.json.clone())).collect()
    }

    /// The stored output of a stage.
    pub(super) fn get(&self, stage_id: &str) -> Option<&Json> {
        self.outputs.get(stage_id).map(|output| &output.json)
    }

    /// The decoded output of a stage, a `T`; all callers share one value.
    pub(super) fn decoded<T: Storable>(&self, stage_id: &str) -> Option<Result<&T, serde_json::Error>> {
        let output = self.outputs.get(stage_id)?;
        if output.decoded.get().is_none() {
            match output.json.load::<T>() {
                // If another thread was faster, this equal value is dropped.
                Ok(value) => drop(output.decoded.set(Box::new(value))),
                Err(error) => return Some(Err(error)),
            }
        }
        output.decoded.get()?.downcast_ref::<T>().map(Ok)
    }
}
