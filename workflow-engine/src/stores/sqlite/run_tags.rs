//! Writes and reads the tags of runs.

use std::collections::BTreeMap;

use super::SqliteStore;
use super::columns::Columns;
use super::failure::Failure;
use super::json_rows::JsonRows;
use super::session::Session;
use crate::error::Error;
use crate::stores::rows::ReadColumns;
use crate::stores::working_set::TagRow;
use crate::value::RunId;

const INSERT_TAGS: &str = "
    INSERT INTO {prefix}run_tags (workflow_run_id, key, value)
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?1)";

const TAGS: &str = "SELECT t.key, t.value FROM {prefix}run_tags AS t WHERE t.workflow_run_id = ?1";

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[INSERT_TAGS, TAGS];

/// Writes the tags of new runs.
pub(super) fn write(session: &Session, tags: &[TagRow]) -> Result<(), Failure> {
    let mut rows = JsonRows::default();
    for tag in tags {
        rows.push(|row| {
            row.plain(tag.run_id).text(&tag.key).text(&tag.value);
        });
    }
    session.write("write a commit", INSERT_TAGS, rows)
}

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
