//! The statements of a store: constant texts with a slot for a name that a program sets, the schema or the prefix of the
//! tables.
//!
//! Nothing else enters a statement at run time. The name is a plain identifier ([`is_identifier`]), and every value that
//! a caller passes is bound as an argument.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// The statements of one store, each filled in when it is first used.
#[derive(Debug)]
pub(super) struct SqlTexts {
    slot: &'static str,
    name: String,
    /// By the address and the length of the constant: hashing a whole text costs more than the rest of the lookup.
    filled: RwLock<HashMap<(usize, usize), SqlStr>>,
}

impl SqlTexts {
    /// Creates the statements of a store that has `name` in the place of `slot`.
    pub(super) fn new(slot: &'static str, name: &str) -> Self {
        Self { slot, name: name.to_owned(), filled: RwLock::default() }
    }

    /// Returns the name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns `text` with the name in its slots.
    pub(super) fn filled(&self, text: &'static str) -> SqlStr {
        let key = (text.as_ptr().addr(), text.len());
        // Nothing panics under this lock.
        if let Some(sql) = self.filled.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return sql.clone();
        }
        let mut filled = self.filled.write().unwrap_or_else(PoisonError::into_inner);
        filled.entry(key).or_insert_with(|| self.fill(text)).clone()
    }

    /// Returns a text that is built at run time, with the name in its slots.
    pub(super) fn fill(&self, text: &str) -> SqlStr {
        // Shared, so that a clone copies no text.
        AssertSqlSafe(Arc::<str>::from(text.replace(self.slot, &self.name))).into_sql_str()
    }
}

/// Returns whether a name needs no quotes: lower-case letters, digits and `_`, not a digit first, at most 40 characters: names
/// that are made of it stay below the 63 bytes of an identifier of PostgreSQL.
pub(super) fn is_identifier(name: &str) -> bool {
    let has_valid_start = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    has_valid_start && name.chars().all(is_allowed) && name.len() <= 40
}
