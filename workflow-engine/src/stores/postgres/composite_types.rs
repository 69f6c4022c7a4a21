//! The composite types of the rows that a commit sends.
//!
//! The schema defines them, so sqlx has to look up their OIDs on each connection. It gets their names, because then it
//! looks them up before it prepares a statement: a query between preparing and running an unnamed statement would make
//! the server behind a pooler forget that statement.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::postgres::PgTypeInfo;

use crate::stores::rows::RowKind;

/// The names of the schema's types, by the number of their [`RowKind`].
const NAMES: [&str; RowKind::COUNT] = [
    "workflow_new_run",
    "workflow_updated_run",
    "workflow_counted_run",
    "workflow_new_stage",
    "workflow_updated_stage",
    "workflow_new_job",
    "workflow_updated_job",
    "workflow_deleted_job",
    "workflow_new_commit",
    "workflow_new_key",
    "workflow_new_log",
    "workflow_new_blob",
];

/// The type of the rows of one kind, and the type of arrays of them.
#[derive(Clone, Debug)]
pub(super) struct RowType {
    pub(super) row: PgTypeInfo,
    pub(super) array: PgTypeInfo,
}

/// The types of all kinds in one schema.
#[derive(Debug)]
pub(super) struct RowTypes(Vec<RowType>);

impl RowTypes {
    /// Returns the types of a schema.
    pub(super) fn of_schema(schema: &str) -> Arc<Self> {
        /// sqlx requires `'static` names, so the names of a schema are leaked, but only once in a process.
        static CACHE: Mutex<Option<HashMap<String, Arc<RowTypes>>>> = Mutex::new(None);

        let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = cache.get_or_insert_default();
        if let Some(types) = cache.get(schema) {
            return Arc::clone(types);
        }
        let types = NAMES.iter().map(|name| {
            let name: &'static str = format!("{schema}.{name}").leak();
            RowType { row: PgTypeInfo::with_name(name), array: PgTypeInfo::array_of(name) }
        });
        let types = Arc::new(Self(types.collect()));
        cache.insert(schema.to_owned(), Arc::clone(&types));
        types
    }

    /// Returns the type of one kind.
    pub(super) fn row_type(&self, kind: RowKind) -> &RowType {
        &self.0[kind as usize]
    }
}
