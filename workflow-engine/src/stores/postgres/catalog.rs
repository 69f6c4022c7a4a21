//! The store on PostgreSQL as a catalog.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use sqlx::postgres::PgRow;

use super::PostgresStore;
use super::arrays::number;
use super::columns::Columns;
use super::failure::Failure;
use super::text::stored;
use crate::error::Error;
use crate::ports::{Catalog, NewDefinition, RegisteredWorker};
use crate::records::{DefinitionRecord, NewWorker, UnfinishedRuns};
use crate::stores::rows::ReadColumns;
use crate::value::Json;

const FINGERPRINTS: &str = "
    SELECT NULL::uuid, ARRAY[d.fingerprint], ARRAY[]::bigint[], ARRAY[]::timestamptz[]
    FROM {schema}.workflow_definitions AS d";

const DEFINITIONS: &str = "
    SELECT NULL::uuid, ARRAY[d.fingerprint, d.workflow_id, d.description], ARRAY[d.version], ARRAY[d.first_seen_at]
    FROM {schema}.workflow_definitions AS d ORDER BY d.workflow_id, d.version, d.fingerprint";

const DEFINITION: &str = "
    SELECT NULL::uuid, ARRAY[d.fingerprint, d.workflow_id, d.description], ARRAY[d.version], ARRAY[d.first_seen_at]
    FROM {schema}.workflow_definitions AS d WHERE d.fingerprint = $1";

const ADD: &str = "
    INSERT INTO {schema}.workflow_definitions (fingerprint, workflow_id, version, description, first_seen_at)
    VALUES ($1, $2, $3, $4, coalesce($5, statement_timestamp())) ON CONFLICT (fingerprint) DO NOTHING";

const UNFINISHED: &str = "
    SELECT NULL::uuid, ARRAY[r.definition_fingerprint],
        ARRAY[count(*) FILTER (WHERE r.status = 'PENDING'), count(*) FILTER (WHERE r.status = 'RUNNING')],
        ARRAY[min(r.created_at)]
    FROM (
        SELECT u.definition_fingerprint, u.status, u.created_at FROM {schema}.workflow_runs AS u
        WHERE u.workflow_id = $1 AND u.completed_at IS NULL
        ORDER BY u.created_at, u.id LIMIT $2
    ) AS r
    GROUP BY r.definition_fingerprint ORDER BY r.definition_fingerprint";

#[async_trait]
impl Catalog for PostgresStore {
    async fn register_definitions(&self, definitions: &[NewDefinition]) -> Result<(), Error> {
        const ACTION: &str = "register definitions";

        let rows = self.read(ACTION, |database| database.query(FINGERPRINTS)).await?;
        let fingerprint = |row| Columns::new(row, "workflow_definitions")?.text("fingerprint");
        let known: HashSet<String> = rows.iter().map(fingerprint).collect::<Result<_, Failure>>()?;
        let is_new = |definition: &&NewDefinition| !known.contains(&definition.fingerprint);
        for new in definitions.iter().filter(is_new).cloned() {
            // A statement of its own, which may be repeated.
            self.read(ACTION, move |database| {
                let query = database.query(ADD).bind(new.fingerprint.clone());
                let query = query.bind(stored(&new.workflow_id).into_owned()).bind(i64::from(new.version));
                query.bind(stored(new.description.as_str()).into_owned()).bind(database.test_now())
            })
            .await?;
        }
        Ok(())
    }

    async fn definitions(&self) -> Result<Vec<DefinitionRecord>, Error> {
        let rows = self.read("read the definitions", |database| database.query(DEFINITIONS)).await?;
        Ok(rows.iter().map(definition).collect::<Result<_, _>>()?)
    }

    async fn definition(&self, fingerprint: &str) -> Result<Option<DefinitionRecord>, Error> {
        let fingerprint = stored(fingerprint).into_owned();
        let rows = self
            .read("read a definition", move |database| database.query(DEFINITION).bind(fingerprint.clone()));
        Ok(rows.await?.first().map(definition).transpose()?)
    }

    async fn unfinished_by_definition(
        &self,
        workflow_id: &str,
        cap: usize,
    ) -> Result<Vec<UnfinishedRuns>, Error> {
        let workflow_id = stored(workflow_id).into_owned();
        let rows = self.read("count unfinished runs", move |database| {
            database.query(UNFINISHED).bind(workflow_id.clone()).bind(number(cap))
        });
        Ok(rows.await?.iter().map(unfinished).collect::<Result<_, _>>()?)
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

fn definition(row: &PgRow) -> Result<DefinitionRecord, Failure> {
    let mut columns = Columns::new(row, "workflow_definitions")?;
    Ok(DefinitionRecord {
        fingerprint: columns.text("fingerprint")?,
        workflow_id: columns.text("workflow_id")?,
        description: Json::trusted(columns.text("description")?),
        version: columns.int("version")?,
        first_seen_at: columns.instant("first_seen_at")?,
    })
}

fn unfinished(row: &PgRow) -> Result<UnfinishedRuns, Failure> {
    let mut columns = Columns::new(row, "workflow_runs")?;
    Ok(UnfinishedRuns {
        fingerprint: columns.text("definition_fingerprint")?,
        pending: columns.int("pending")?,
        running: columns.int("running")?,
        oldest: columns.instant("oldest")?,
    })
}
