//! The optional indexes of a PostgreSQL schema. They are made while runs continue, outside of transactions.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{Row, SqlStr};

use super::PostgresStore;
use super::failure::Failure;
use crate::error::Error;
use crate::ports::{IndexCondition, Indexes, OptionalIndex};
use crate::stores::Closed;

/// A process that ends while it makes an index leaves one that is not valid.
const BY_WORKFLOW: &str = "
    SELECT i.indisvalid FROM pg_index AS i WHERE i.indexrelid = to_regclass('{schema}.workflow_runs_by_workflow')";

/// In the order of a list.
const ADD_BY_WORKFLOW: &str =
    "CREATE INDEX CONCURRENTLY workflow_runs_by_workflow ON {schema}.workflow_runs (workflow_id, id)";

const DROP_BY_WORKFLOW: &str = "DROP INDEX CONCURRENTLY {schema}.workflow_runs_by_workflow";

/// On a large table an index takes longer than any transaction may.
const NO_LIMITS: &str =
    "SELECT set_config(name, '0', false) FROM unnest('{statement_timeout, lock_timeout}'::text[]) AS name";

/// The limits with which the session has begun.
const OWN_LIMITS: &str = "
    SELECT set_config(name, reset_val, false) FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout')";

#[async_trait]
impl Indexes for PostgresStore {
    async fn add_index(&self, index: OptionalIndex) -> Result<bool, Error> {
        const ACTION: &str = "add an index";

        match index {
            OptionalIndex::ByWorkflow => match self.by_workflow().await? {
                Some(true) => return Ok(false),
                Some(false) => self.run_alone(ACTION, DROP_BY_WORKFLOW).await?,
                None => {}
            },
        }
        self.run_alone(ACTION, ADD_BY_WORKFLOW).await?;
        Ok(true)
    }

    async fn drop_index(&self, index: OptionalIndex) -> Result<bool, Error> {
        match index {
            OptionalIndex::ByWorkflow => {
                if self.by_workflow().await?.is_none() {
                    return Ok(false);
                }
                self.run_alone("drop an index", DROP_BY_WORKFLOW).await?;
            }
        }
        Ok(true)
    }
}

impl PostgresStore {
    /// Returns whether the index can be used; `None` where the schema does not have it.
    pub(super) async fn by_workflow(&self) -> Result<Option<bool>, Error> {
        const ACTION: &str = "look for an index";

        let rows = self.inspect(ACTION, |database| database.query(BY_WORKFLOW)).await?;
        let usable = rows.first().map(|row| row.try_get(0)).transpose();
        Ok(usable.map_err(|error| Failure::database(ACTION, error))?)
    }

    /// Returns the optional indexes of the schema.
    pub(super) async fn read_indexes(&self) -> Result<Vec<IndexCondition>, Error> {
        let by_workflow = |is_usable| IndexCondition { index: OptionalIndex::ByWorkflow, is_usable };
        Ok(self.by_workflow().await?.map(by_workflow).into_iter().collect())
    }

    /// Runs a statement that must not be in a transaction, on the store's own threads and to its end even if the caller stops
    /// waiting: one that is cancelled halfway leaves an index that cannot be used.
    async fn run_alone(&self, action: &'static str, sql: &'static str) -> Result<(), Error> {
        if self.stop.is_cancelled() {
            return Err(Error::store_unavailable(action, Closed));
        }
        let database = Arc::clone(&self.database);
        let ran = self.runtime.spawn(async move {
            let mut connection = database.connection().await?;
            let mut ran = Ok(());
            // Each statement by itself: several in one message would be one transaction.
            let filled = database.statements.filled(sql);
            for sql in [SqlStr::from_static(NO_LIMITS), filled, SqlStr::from_static(OWN_LIMITS)] {
                let done = sqlx::raw_sql(sql).execute(&mut *connection).await;
                ran = ran.and(done.map(drop).map_err(|error| Failure::database(action, error)));
            }
            ran?;
            database.release(connection);
            Ok::<(), Failure>(())
        });
        match ran.await {
            Ok(ran) => Ok(ran?),
            Err(error) => Err(Error::store_unavailable(action, error)),
        }
    }
}
