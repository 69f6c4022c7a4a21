//! Log lines.

use super::{FromColumns, ReadColumns};
use crate::records::LogRecord;

/// The columns from which a log line is read.
macro_rules! log_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            l: workflow_run_id,
            ids: [],
            texts: [stage_id, place, level, message, metadata],
            numbers: [id, attempt],
            flags: [],
            instants: [created_at]
        )
    };
}

pub(in crate::stores) use log_columns;

impl FromColumns for LogRecord {
    const TABLE: &'static str = "workflow_logs";

    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure> {
        Ok(Self {
            run_id: columns.run_id()?,
            stage_id: columns.maybe_text("stage_id")?,
            place: columns.place()?,
            level: columns.level()?,
            message: columns.text("message")?,
            fields: columns.json("metadata")?,
            id: columns.int("id")?,
            attempt: columns.maybe_int("attempt")?,
            at: columns.instant("created_at")?,
        })
    }
}
