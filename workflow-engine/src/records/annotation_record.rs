//! An annotation as it is stored.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::records::annotation::AnnotationKey;
use crate::value::{Json, RunId};

/// One attribute of an annotation. It is never changed, and a rerun keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnotationRecord {
    /// Grows with each annotation of a run; a reader goes on after the last one that it has seen.
    pub id: u64,
    /// The run.
    pub run_id: RunId,
    /// The stage that it is about, or that made it.
    pub stage_id: Option<String>,
    /// The run's generation at that time.
    pub generation: u32,
    /// The stage's attempt at that time, where there is a stage that has one.
    pub attempt: Option<u32>,
    /// Its name, `review.outcome` for example.
    pub key: String,
    /// Its value.
    pub value: Json,
    /// Who says so.
    pub actor: Option<String>,
    /// Where it counts.
    pub scope: Option<String>,
    /// What goes with it.
    pub payload: Option<Json>,
    /// When it was committed.
    pub at: DateTime<Utc>,
}

impl AnnotationRecord {
    /// Its value, if it is one of this key.
    ///
    /// # Errors
    /// `STORED_VALUE_CORRUPT` when it is not the JSON of a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: AnnotationKey<T>) -> Result<Option<T>, Error> {
        if self.key != key.name() {
            return Ok(None);
        }
        let unreadable =
            |error| Error::stored_value(self.run_id, format_args!("annotation `{}`", self.key), error);
        self.value.decode().map(Some).map_err(unreadable)
    }
}
