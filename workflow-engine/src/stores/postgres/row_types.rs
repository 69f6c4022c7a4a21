//! The numbers by which the server knows the types of rows that a commit hands over.

use std::sync::{Arc, Mutex, PoisonError};

use sqlx::Row;
use sqlx::postgres::types::Oid;

use super::failure::Failure;
use super::transaction::Transaction;

const DOING: &str = "read the types of rows";

pub(super) const READ: &str = "
    SELECT t.typname::text, t.oid, t.typarray
    FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
    WHERE n.nspname = '{schema}' AND t.typname = ANY($1)";

macro_rules! kinds {
    ($($kind:ident = $name:literal,)*) => {
        /// Rows of which a commit may have some; the names are those of the schema's types.
        #[derive(Clone, Copy, Debug)]
        pub(super) enum Kind {
            $($kind,)*
        }

        const NAMES: &[&str] = &[$($name),*];
    };
}

kinds! {
    NewKey = "new_key",
    NewRun = "new_run",
    MovedRun = "moved_run",
    NewStage = "new_stage",
    MovedStage = "moved_stage",
    Job = "job",
    DoneJob = "done_job",
    NewEvent = "new_event",
    NewLog = "new_log",
    NewBlob = "new_blob",
}

/// The type of rows of one kind, and of arrays of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowType {
    pub(super) row: Oid,
    pub(super) array: Oid,
}

/// The types of all kinds.
#[derive(Debug)]
pub(super) struct RowTypes([RowType; NAMES.len()]);

impl RowTypes {
    /// That of one kind.
    pub(super) fn of(&self, kind: Kind) -> RowType {
        self.0[kind as usize]
    }
}

/// The types as they are known. They hold for as long as it is the same server.
#[derive(Debug, Default)]
pub(super) struct KnownTypes(Mutex<Option<Arc<RowTypes>>>);

impl KnownTypes {
    /// Forgets them; they are read anew by whoever needs them next.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn get(&self) -> Option<Arc<RowTypes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, types: &Arc<RowTypes>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(types));
    }
}

/// The types, read if they are not known.
pub(super) async fn row_types(transaction: &mut Transaction<'_>) -> Result<Arc<RowTypes>, Failure> {
    let database = transaction.database;
    if let Some(types) = database.row_types.get() {
        return Ok(types);
    }
    let query = transaction.query(|sql| &sql.row_types).bind(NAMES);
    let rows = transaction.fetch_alone(DOING, query).await?;
    let failed = |error| Failure::database(DOING, error);
    let mut found = [None; NAMES.len()];
    for row in &rows {
        let name: &str = row.try_get(0).map_err(failed)?;
        let row_type =
            RowType { row: row.try_get(1).map_err(failed)?, array: row.try_get(2).map_err(failed)? };
        if let Some(at) = NAMES.iter().position(|known| *known == name) {
            found[at] = Some(row_type);
        }
    }
    let missing = |name: &str| failed(sqlx::Error::TypeNotFound { type_name: name.to_owned() });
    let types: Vec<RowType> = found
        .into_iter()
        .zip(NAMES)
        .map(|(found, name)| found.ok_or_else(|| missing(name)))
        .collect::<Result<_, _>>()?;
    let types = types.try_into().map_err(|_| missing("record"))?;
    let types = Arc::new(RowTypes(types));
    database.row_types.put(&types);
    Ok(types)
}
