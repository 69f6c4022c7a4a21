//! Reads the tags of runs.

use std::collections::BTreeMap;

use super::SqliteStore;
use super::columns::Columns;
use super::failure::Failure;
use crate::error::Error;
use crate::stores::rows::ReadColumns;
use crate::value::RunId;

const TAGS: &str = "SELECT t.key, t.value FROM {prefix}run_tags AS t WHERE t.workflow_run_id = ?1";

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[TAGS];

impl SqliteStore {
    /// Returns the tags of a run.
    pub(super) async fn read_tags(&self, run_id: RunId) -> Result<BTreeMap<String, String>, Error> {
        let rows = self.read("read the tags of a run", self.query(TAGS).bind(run_id.to_string())).await?;
        let tag = |row| {
            let mut columns = Columns::new(row, "workflow_run_tags", 0);
            Ok((columns.text("key")?, columns.text("value")?))
        };
        Ok(rows.iter().map(tag).collect::<Result<_, Failure>>()?)
    }
}
