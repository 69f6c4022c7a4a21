//! Annotations.

use super::{FromColumns, ReadColumns};
use crate::records::AnnotationRecord;

/// The columns from which an annotation is read.
macro_rules! annotation_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            a: workflow_run_id,
            ids: [],
            texts: [stage_id, place, key, value, actor, scope, payload],
            numbers: [id, generation, attempt],
            flags: [],
            instants: [created_at]
        )
    };
}

pub(in crate::stores) use annotation_columns;

impl FromColumns for AnnotationRecord {
    const TABLE: &'static str = "workflow_annotations";

    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure> {
        Ok(Self {
            run_id: columns.run_id()?,
            stage_id: columns.maybe_text("stage_id")?,
            place: columns.place()?,
            key: columns.text("key")?,
            value: columns.json("value")?,
            actor: columns.maybe_text("actor")?,
            scope: columns.maybe_text("scope")?,
            payload: columns.maybe_json("payload")?,
            id: columns.int("id")?,
            generation: columns.int("generation")?,
            attempt: columns.maybe_int("attempt")?,
            at: columns.instant("created_at")?,
        })
    }
}
