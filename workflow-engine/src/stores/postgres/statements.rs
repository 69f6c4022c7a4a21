//! The only place that builds SQL at run time: it fills in the schema's name and numbers the arguments of the statement
//! that writes a commit.
//!
//! Nothing else enters a statement. Texts are constants, the name is a plain identifier (`options::schema_of`), and
//! every value that a caller passes is bound as an argument.

use std::collections::HashMap;
use std::sync::{OnceLock, PoisonError, RwLock};

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::write_sql::{IS_WRITABLE, StatementParts};

/// The statements of one store, each built when it is first used.
#[derive(Debug)]
pub(super) struct Statements {
    schema: String,
    /// `BEGIN`, with the settings of the transaction.
    pub(super) begin: SqlStr,
    /// By the text whose slots are filled in.
    filled: RwLock<HashMap<&'static str, SqlStr>>,
    /// By [`StatementParts::number`].
    writes: [OnceLock<SqlStr>; StatementParts::STATEMENTS],
}

impl Statements {
    /// Creates the statements for a schema; `begin` begins its transactions.
    pub(super) fn new(schema: &str, begin: String) -> Self {
        Self {
            schema: schema.to_owned(),
            begin: AssertSqlSafe(begin).into_sql_str(),
            filled: RwLock::default(),
            writes: std::array::from_fn(|_| OnceLock::new()),
        }
    }

    /// Returns `text` with the schema's name in its slots.
    pub(super) fn filled(&self, text: &'static str) -> SqlStr {
        // Nothing panics under this lock.
        if let Some(sql) = self.filled.read().unwrap_or_else(PoisonError::into_inner).get(text) {
            return sql.clone();
        }
        let mut filled = self.filled.write().unwrap_or_else(PoisonError::into_inner);
        filled.entry(text).or_insert_with(|| fill(text, &self.schema)).clone()
    }

    /// Returns the statement that writes a commit with these parts.
    pub(super) fn write(&self, parts: StatementParts) -> SqlStr {
        self.writes[parts.number()].get_or_init(|| self.build_write(parts.number())).clone()
    }

    fn build_write(&self, number: usize) -> SqlStr {
        let whole = StatementParts::texts(number).collect::<String>().replace("$is_writable", IS_WRITABLE);
        let mut pieces = whole.split("$?");
        let mut numbered = pieces.next().unwrap_or_default().to_owned();
        // The first four arguments have fixed numbers.
        for (piece, argument) in pieces.zip(5_u32..) {
            numbered.push('$');
            numbered.push_str(&argument.to_string());
            numbered.push_str(piece);
        }
        fill(&numbered, &self.schema)
    }
}

/// Returns `sql` with the schema's name in its slots.
pub(super) fn fill(sql: &str, schema: &str) -> SqlStr {
    AssertSqlSafe(sql.replace("{schema}", schema)).into_sql_str()
}
