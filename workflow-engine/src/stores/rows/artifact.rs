//! Artifacts.

use super::{FromColumns, ReadColumns};
use crate::records::ArtifactRecord;

/// The columns from which an artifact is read.
macro_rules! artifact_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            a: workflow_run_id,
            ids: [],
            texts: [stage_id, place, key, data, data_blob],
            numbers: [generation],
            flags: [],
            instants: [created_at]
        )
    };
}

pub(in crate::stores) use artifact_columns;

impl FromColumns for ArtifactRecord {
    const TABLE: &'static str = "workflow_artifacts";

    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure> {
        Ok(Self {
            run_id: columns.run_id()?,
            stage_id: columns.text("stage_id")?,
            place: columns.place()?,
            key: columns.text("key")?,
            value: columns.value("data")?.ok_or_else(|| columns.missing("data"))?,
            generation: columns.int("generation")?,
            at: columns.instant("created_at")?,
        })
    }
}
