//! The statements of a store: constants with a slot for the schema's name, and the statement that writes a commit, whose
//! arguments are numbered here.

use std::sync::OnceLock;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::write_sql::StatementForm;
use crate::stores::sql_texts::SqlTexts;

/// The statements of one store, each built when it is first used.
#[derive(Debug)]
pub(super) struct Statements {
    texts: SqlTexts,
    /// What ends the user's statements within a transaction.
    pub(super) restore: SqlStr,
    /// By [`StatementForm::number`].
    writes: [OnceLock<SqlStr>; StatementForm::COUNT],
}

/// Returns the texts of statements on the tables of a schema.
pub(super) fn texts_of(schema: &str) -> SqlTexts {
    SqlTexts::new("{schema}", schema)
}

impl Statements {
    /// Creates the statements for a schema; `restore` ends the user's statements.
    pub(super) fn new(schema: &str, restore: String) -> Self {
        Self {
            texts: texts_of(schema),
            restore: AssertSqlSafe(restore).into_sql_str(),
            writes: std::array::from_fn(|_| OnceLock::new()),
        }
    }

    /// Returns the schema's name.
    pub(super) fn schema(&self) -> &str {
        self.texts.name()
    }

    /// Returns `text` with the schema's name in its slots.
    pub(super) fn filled(&self, text: &'static str) -> SqlStr {
        self.texts.filled(text)
    }

    /// Returns the statement of this form, which writes a commit.
    pub(super) fn write(&self, form: StatementForm) -> SqlStr {
        self.writes[form.number()].get_or_init(|| self.build_write(form.number())).clone()
    }

    fn build_write(&self, number: usize) -> SqlStr {
        let whole = StatementForm::text(number);
        let mut pieces = whole.split("$?");
        let mut numbered = pieces.next().unwrap_or_default().to_owned();
        // The first five arguments have fixed numbers.
        for (piece, argument) in pieces.zip(6_u32..) {
            numbered.push('$');
            numbered.push_str(&argument.to_string());
            numbered.push_str(piece);
        }
        self.texts.fill(&numbered)
    }
}
