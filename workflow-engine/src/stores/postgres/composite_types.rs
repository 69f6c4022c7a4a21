//! The types of the rows that a commit hands over.
//!
//! They are the schema's own, so sqlx has to ask each connection's server for their numbers. It is told their names, for
//! then it asks before it prepares a statement: between preparing and running it, a question would make a pooler's
//! server forget an unnamed statement.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::postgres::PgTypeInfo;

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
#[derive(Clone, Debug)]
pub(super) struct RowType {
    pub(super) row: PgTypeInfo,
    pub(super) array: PgTypeInfo,
}

/// The types of all kinds, in one schema.
#[derive(Debug)]
pub(super) struct RowTypes(Vec<RowType>);

impl RowTypes {
    /// Those of this schema.
    pub(super) fn of_schema(schema: &str) -> Arc<Self> {
        /// sqlx keeps names for ever: those of a schema are made once.
        static KNOWN: Mutex<Option<HashMap<String, Arc<RowTypes>>>> = Mutex::new(None);

        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        if let Some(types) = known.get(schema) {
            return Arc::clone(types);
        }
        let types = NAMES.iter().map(|name| {
            let name: &'static str = format!("{schema}.{name}").leak();
            RowType { row: PgTypeInfo::with_name(name), array: PgTypeInfo::array_of(name) }
        });
        let types = Arc::new(Self(types.collect()));
        known.insert(schema.to_owned(), Arc::clone(&types));
        types
    }

    /// That of one kind.
    pub(super) fn of(&self, kind: Kind) -> &RowType {
        &self.0[kind as usize]
    }
}
