//! The optional indexes of a SQLite file.

use async_trait::async_trait;

use super::SqliteStore;
use super::batch::Batch;
use super::columns::Columns;
use super::failure::Failure;
use crate::error::Error;
use crate::ports::{IndexCondition, Indexes, OptionalIndex};
use crate::stores::rows::ReadColumns;

const HAS_BY_WORKFLOW: &str =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = '{prefix}runs_by_workflow'";

/// In the order of a list. The ids are the key of the table, and so a part of each index.
pub(super) const ADD_BY_WORKFLOW: &str =
    "CREATE INDEX {prefix}runs_by_workflow ON {prefix}runs (workflow_id, id)";

const DROP_BY_WORKFLOW: &str = "DROP INDEX {prefix}runs_by_workflow";

/// Runs a statement that adds or drops the index, unless the file is in that state.
fn change(batch: &mut Batch, add: bool) -> Result<bool, Failure> {
    const DOING: &str = "look for an index";

    let found = batch.session.fetch(DOING, HAS_BY_WORKFLOW, |_| {})?;
    let mut columns = found.first().map(|row| Columns::new(row, "sqlite_schema", 0));
    let missing = || Failure::unreadable("sqlite_schema", "count", "(unknown)", "the row is missing");
    if (columns.as_mut().ok_or_else(missing)?.int::<u32>("count")? > 0) == add {
        return Ok(false);
    }
    if add {
        batch.session.execute("add an index", ADD_BY_WORKFLOW, |_| {})?;
    } else {
        batch.session.execute("drop an index", DROP_BY_WORKFLOW, |_| {})?;
    }
    Ok(true)
}

#[async_trait]
impl Indexes for SqliteStore {
    async fn add_index(&self, index: OptionalIndex) -> Result<bool, Error> {
        match index {
            OptionalIndex::ByWorkflow => {
                self.write("add an index", |batch, ()| change(batch, true), ()).await
            }
        }
    }

    async fn drop_index(&self, index: OptionalIndex) -> Result<bool, Error> {
        match index {
            OptionalIndex::ByWorkflow => {
                self.write("drop an index", |batch, ()| change(batch, false), ()).await
            }
        }
    }
}

impl SqliteStore {
    /// Returns whether the file has the index. The schema has few rows.
    pub(super) async fn has_by_workflow(&self) -> Result<bool, Error> {
        Ok(self.count("look for an index", self.query(HAS_BY_WORKFLOW)).await? > 0)
    }

    /// Returns the optional indexes of the file. They are made in one transaction, so each of them can be used.
    pub(super) async fn read_indexes(&self) -> Result<Vec<IndexCondition>, Error> {
        let by_workflow = IndexCondition { index: OptionalIndex::ByWorkflow, is_usable: true };
        Ok(self.has_by_workflow().await?.then_some(by_workflow).into_iter().collect())
    }
}
