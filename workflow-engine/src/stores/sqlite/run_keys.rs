//! Finds the run of an idempotency key.

use super::SqliteStore;
use super::columns::Columns;
use crate::error::Error;
use crate::stores::rows::ReadColumns;
use crate::value::RunId;

const RUN_OF_KEY: &str = "SELECT k.workflow_run_id FROM {prefix}idempotency_keys AS k WHERE k.command = 'run.create' AND k.key = ?1";

/// The statement of this file, for the test of its query plan.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[RUN_OF_KEY];

impl SqliteStore {
    pub(super) async fn read_run_of_key(&self, key: &str) -> Result<Option<RunId>, Error> {
        let rows = self.inspect("find the run of a key", self.query(RUN_OF_KEY).bind(key.to_owned())).await?;
        let run = rows.first().map(|row| Columns::new(row, "workflow_idempotency_keys", 0).run_id());
        Ok(run.transpose()?)
    }
}
