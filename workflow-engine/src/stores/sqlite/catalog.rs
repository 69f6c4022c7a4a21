//! The store on SQLite as a catalog.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::arguments::count;
use super::batch::Batch;
use super::columns::Columns;
use super::failure::Failure;
use super::session::Session;
use crate::error::Error;
use crate::ports::{Catalog, NewDefinition, RegisteredWorker};
use crate::records::{DefinitionRecord, NewWorker, UnfinishedRuns};
use crate::stores::rows::{ReadColumns, WriteColumns};

const FINGERPRINTS: &str = "SELECT fingerprint FROM {prefix}definitions";

const DEFINITIONS: &str = "
    SELECT fingerprint, workflow_id, version, description, first_seen_at FROM {prefix}definitions
    ORDER BY workflow_id, version, fingerprint";

const DEFINITION: &str = "
    SELECT fingerprint, workflow_id, version, description, first_seen_at FROM {prefix}definitions
    WHERE fingerprint = ?1";

const ADD: &str = "
    INSERT INTO {prefix}definitions (fingerprint, workflow_id, version, description, first_seen_at)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (fingerprint) DO NOTHING";

const UNFINISHED: &str = "
    SELECT definition_fingerprint, sum(status = 'PENDING') AS pending, sum(status = 'RUNNING') AS running,
        min(created_at) AS oldest
    FROM (
        SELECT definition_fingerprint, status, created_at FROM {prefix}runs
        WHERE workflow_id = ?1 AND completed_at IS NULL
        ORDER BY created_at, id LIMIT ?2
    )
    GROUP BY definition_fingerprint ORDER BY definition_fingerprint";

/// The statements of this file, for the test of their query plans, except for those that read all definitions, which is
/// their task.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[DEFINITION, ADD, UNFINISHED];

/// Adds definitions.
fn add(session: &Session, definitions: &[NewDefinition], now: DateTime<Utc>) -> Result<(), Failure> {
    for NewDefinition { fingerprint, workflow_id, version, description } in definitions {
        session.execute("register definitions", ADD, |arguments| {
            let arguments = arguments.text(fingerprint).text(workflow_id).int(*version);
            arguments.text(description.as_str()).instant(now);
        })?;
    }
    Ok(())
}

#[async_trait]
impl Catalog for SqliteStore {
    async fn register_definitions(&self, definitions: &[NewDefinition]) -> Result<(), Error> {
        const DOING: &str = "register definitions";

        let rows = self.read(DOING, self.query(FINGERPRINTS)).await?;
        let known = rows.iter().map(|row| row.try_get::<String, _>(0));
        let known: HashSet<String> =
            known.collect::<Result<_, _>>().map_err(|error| Failure::database(DOING, error))?;
        let is_new = |definition: &&NewDefinition| !known.contains(&definition.fingerprint);
        let new: Vec<NewDefinition> = definitions.iter().filter(is_new).cloned().collect();
        if new.is_empty() {
            return Ok(());
        }
        let add = |batch: &mut Batch, new: &Vec<_>| add(&batch.session, new, batch.now);
        self.write(DOING, add, new).await
    }

    async fn definitions(&self) -> Result<Vec<DefinitionRecord>, Error> {
        let rows = self.read("read the definitions", self.query(DEFINITIONS)).await?;
        Ok(rows.iter().map(definition).collect::<Result<_, _>>()?)
    }

    async fn definition(&self, fingerprint: &str) -> Result<Option<DefinitionRecord>, Error> {
        let query = self.query(DEFINITION).bind(fingerprint.to_owned());
        let rows = self.read("read a definition", query).await?;
        Ok(rows.first().map(definition).transpose()?)
    }

    async fn unfinished_by_definition(
        &self,
        workflow_id: &str,
        cap: usize,
    ) -> Result<Vec<UnfinishedRuns>, Error> {
        let query = self.query(UNFINISHED).bind(workflow_id.to_owned()).bind(count(cap));
        let rows = self.read("count unfinished runs", query).await?;
        let read = |row| -> Result<UnfinishedRuns, Failure> {
            let mut columns = Columns::new(row, "workflow_runs", 0);
            Ok(UnfinishedRuns {
                fingerprint: columns.text("definition_fingerprint")?,
                pending: columns.int("pending")?,
                running: columns.int("running")?,
                oldest: columns.instant("oldest")?,
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn register_worker(&self, worker: NewWorker) -> Result<u32, Error> {
        self.add_worker(worker).await
    }

    async fn drain_worker(&self, number: u32) -> Result<(), Error> {
        self.note_drained(number).await
    }

    async fn workers(&self, before: Option<u32>, limit: usize) -> Result<Vec<RegisteredWorker>, Error> {
        self.read_workers(before, limit).await
    }

    async fn worker_ids(&self, numbers: &[u32]) -> Result<HashMap<u32, String>, Error> {
        self.read_worker_ids(numbers).await
    }
}

fn definition(row: &SqliteRow) -> Result<DefinitionRecord, Failure> {
    let mut columns = Columns::new(row, "workflow_definitions", 0);
    Ok(DefinitionRecord {
        fingerprint: columns.text("fingerprint")?,
        workflow_id: columns.text("workflow_id")?,
        version: columns.int("version")?,
        description: columns.json("description")?,
        first_seen_at: columns.instant("first_seen_at")?,
    })
}
