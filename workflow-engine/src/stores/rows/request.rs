//! The requests that runs were started with.

use super::{FromColumns, ReadColumns};
use crate::records::RunRequest;

impl FromColumns for RunRequest {
    const TABLE: &'static str = "workflow_run_requests";

    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure> {
        columns.run_id()?;
        Ok(Self {
            input: columns.json("input")?,
            config: columns.json("config")?,
            metadata: columns.maybe_json("metadata")?,
        })
    }
}
