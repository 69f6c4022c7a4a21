//! Writes and reads the tags of runs.

use std::collections::BTreeMap;

use super::PostgresStore;
use super::arrays::Rows;
use super::columns::Columns;
use super::failure::Failure;
use super::transaction::Transaction;
use crate::error::Error;
use crate::stores::rows::ReadColumns;
use crate::stores::working_set::TagRow;
use crate::value::RunId;

const INSERT_TAGS: &str = "
    INSERT INTO {schema}.workflow_run_tags (workflow_run_id, key, value) SELECT * FROM unnest($1, $2, $3)";

const TAGS: &str = "
    SELECT t.workflow_run_id, ARRAY[t.key, t.value], ARRAY[]::bigint[], ARRAY[]::timestamptz[]
    FROM {schema}.workflow_run_tags AS t WHERE t.workflow_run_id = $1";

/// Writes the tags of new runs.
pub(super) async fn write(transaction: &mut Transaction, tags: &[TagRow]) -> Result<(), Failure> {
    if tags.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::<2, 0, 0>::new();
    for tag in tags {
        rows.push(tag.run_id, [Some(&tag.key), Some(&tag.value)], [], []);
    }
    let query = rows.bind(transaction.query(INSERT_TAGS));
    transaction.execute("write a commit", query).await
}

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
