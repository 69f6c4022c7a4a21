//! Finds the run of an idempotency key.

use super::PostgresStore;
use super::columns::Columns;
use super::text::stored;
use crate::error::Error;
use crate::stores::rows::ReadColumns;
use crate::value::RunId;

const RUN_OF_KEY: &str = "
    SELECT k.workflow_run_id, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[]::timestamptz[]
    FROM {schema}.workflow_idempotency_keys AS k WHERE k.command = 'run.create' AND k.key = $1";

impl PostgresStore {
    pub(super) async fn read_run_of_key(&self, key: &str) -> Result<Option<RunId>, Error> {
        let key = stored(key).into_owned();
        let rows = self
            .inspect("find the run of a key", move |database| database.query(RUN_OF_KEY).bind(key.clone()));
        let rows = rows.await?;
        let run = rows.first().map(|row| {
            Columns::new(row, "workflow_idempotency_keys").and_then(|mut columns| columns.run_id())
        });
        Ok(run.transpose()?)
    }
}
