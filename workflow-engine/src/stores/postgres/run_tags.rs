//! Reads the tags of runs.

use std::collections::BTreeMap;

use super::PostgresStore;
use super::columns::Columns;
use super::failure::Failure;
use crate::error::Error;
use crate::stores::rows::ReadColumns;
use crate::value::RunId;

const TAGS: &str = "
    SELECT t.workflow_run_id, ARRAY[t.key, t.value], ARRAY[]::bigint[], ARRAY[]::timestamptz[]
    FROM {schema}.workflow_run_tags AS t WHERE t.workflow_run_id = $1";

impl PostgresStore {
    /// Returns the tags of a run.
    pub(super) async fn read_tags(&self, run_id: RunId) -> Result<BTreeMap<String, String>, Error> {
        let id = *run_id.as_uuid();
        let rows = self.read("read the tags of a run", move |database| database.query(TAGS).bind(id)).await?;
        let tag = |row| {
            let mut columns = Columns::new(row, "workflow_run_tags")?;
            Ok((columns.text("key")?, columns.text("value")?))
        };
        Ok(rows.iter().map(tag).collect::<Result<_, Failure>>()?)
    }
}
