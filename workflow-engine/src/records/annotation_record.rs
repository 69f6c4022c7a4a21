//! A stored annotation.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::records::annotation_key::AnnotationKey;
use crate::records::present_field::present;
use crate::value::{Json, Place, RunId};

/// One stored attribute of an annotation. It never changes, and a rerun keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnnotationRecord {
    /// The id. It grows with each annotation of a run, so a reader continues after the last id that it has seen.
    pub id: u64,
    /// The run.
    pub run_id: RunId,
    /// The stage that the annotation is about, or that made it.
    pub stage_id: Option<String>,
    /// The place of the stage in its run; empty outside of repeated parts.
    #[serde(default, skip_serializing_if = "Place::is_empty")]
    pub place: Place,
    /// The run's generation at the commit.
    pub generation: u32,
    /// The stage's attempt at the commit, where the stage exists.
    pub attempt: Option<u32>,
    /// The key, for example `review.outcome`.
    pub key: String,
    /// The value.
    pub value: Json,
    /// The author.
    pub actor: Option<String>,
    /// The scope.
    pub scope: Option<String>,
    /// Further data.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub payload: Option<Json>,
    /// The instant of the commit.
    pub at: DateTime<Utc>,
}

impl AnnotationRecord {
    /// Returns the value, if the record has this key.
    ///
    /// # Errors
    /// `STORED_VALUE_CORRUPT` when the value is not the JSON of a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: AnnotationKey<T>) -> Result<Option<T>, Error> {
        if self.key != key.name() {
            return Ok(None);
        }
        let unreadable =
            |error| Error::stored_value(self.run_id, format_args!("annotation `{}`", self.key), error);
        self.value.decode().map(Some).map_err(unreadable)
    }
}
