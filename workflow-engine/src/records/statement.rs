//! A statement on the user's own tables.

use super::sql_scan::{Scan, scan};
use super::sql_value::SqlValue;

/// The most statements of one attempt.
pub(crate) const MAX_STATEMENTS: usize = 1_000;
/// The most arguments of one statement.
const MAX_ARGUMENTS: usize = 1_000;
/// The longest statement, in bytes.
const MAX_SQL_BYTES: usize = 64 * 1024;

/// The words with which a statement may begin.
const VERBS: [&str; 6] = ["INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "WITH"];

/// A SQL statement with its arguments, which are `$1`, `$2` and so on in its text, on PostgreSQL and SQLite alike.
///
/// Values enter it as arguments only, so none of them can become SQL. It is one `INSERT`, `UPDATE`, `DELETE`, `MERGE` or
/// `REPLACE`, or one of these after a `WITH`. The engine does not read rows that it returns.
///
/// ```
/// use workflow_engine::Statement;
///
/// let token = "run/charge/1";
/// let statement = Statement::new("INSERT INTO payments (token, cents, note) VALUES ($1, $2, $3)")
///     .bind(token)
///     .bind(1_250)
///     .bind(None::<String>);
/// assert_eq!(statement.arguments().len(), 3);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    sql: String,
    arguments: Vec<SqlValue>,
    expected: Option<ExpectedRows>,
    is_retried: bool,
}

/// The number of rows that a statement has to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExpectedRows {
    Exactly(u64),
    AtLeastOne,
}

/// A statement that changed another number of rows than it expects.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("changed {}, but {} expected", rows(*changed), expected.text())]
pub(crate) struct UnmetExpectation {
    changed: u64,
    expected: ExpectedRows,
}

impl ExpectedRows {
    fn text(self) -> String {
        match self {
            Self::Exactly(count @ (0 | 1)) => format!("{} is", rows(count)),
            Self::Exactly(count) => format!("{count} are"),
            Self::AtLeastOne => "at least one is".to_owned(),
        }
    }
}

fn rows(count: u64) -> String {
    match count {
        0 => "no row".to_owned(),
        1 => "1 row".to_owned(),
        count => format!("{count} rows"),
    }
}

impl Statement {
    /// Creates a statement of this text, at most 64 KiB, without arguments. It is checked when a stage executes it.
    #[must_use]
    pub fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), arguments: Vec::new(), expected: None, is_retried: true }
    }

    /// Adds the next argument: the first is `$1`. At most 1,000.
    #[must_use]
    pub fn bind(mut self, argument: impl Into<SqlValue>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Requires that the statement changes exactly this many rows. With another number nothing is committed, and the
    /// attempt fails with `STATEMENT_UNMET`. By default any number is accepted, also none.
    ///
    /// The number is the one that the database reports for the statement. Rows that triggers or cascades change do not
    /// count, nor do rows that an `ON CONFLICT DO NOTHING` leaves as they are.
    ///
    /// ```
    /// use workflow_engine::Statement;
    ///
    /// // A withdrawal of more than there is changes no row.
    /// let withdrawal = Statement::new("UPDATE accounts SET cents = cents - $2 WHERE id = $1 AND cents >= $2")
    ///     .bind("ada")
    ///     .bind(500)
    ///     .expect_rows(1)
    ///     .without_retry();
    /// assert_eq!(withdrawal.arguments().len(), 2);
    /// ```
    #[must_use]
    pub fn expect_rows(self, count: u64) -> Self {
        Self { expected: Some(ExpectedRows::Exactly(count)), ..self }
    }

    /// As [`Statement::expect_rows`], for any number of rows except none.
    #[must_use]
    pub fn expect_any(self) -> Self {
        Self { expected: Some(ExpectedRows::AtLeastOne), ..self }
    }

    /// Fails the stage for good, without another attempt, if the statement violates a constraint (`STATEMENT_CONFLICT`)
    /// or does not meet its expectation (`STATEMENT_UNMET`): the next attempt would meet the same rows. By default the
    /// retry policy of the stage applies, as it does after any other error of the statement.
    #[must_use]
    pub fn without_retry(self) -> Self {
        Self { is_retried: false, ..self }
    }

    /// Returns whether the retry policy applies after a violated constraint or an expectation that is not met.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "only the SQL stores run statements")
    )]
    pub(crate) const fn is_retried(&self) -> bool {
        self.is_retried
    }

    /// Checks the number of rows that the statement has changed.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "only the SQL stores run statements")
    )]
    pub(crate) fn check_rows(&self, changed: u64) -> Result<(), UnmetExpectation> {
        let is_met = match self.expected {
            None => true,
            Some(ExpectedRows::Exactly(count)) => changed == count,
            Some(ExpectedRows::AtLeastOne) => changed > 0,
        };
        match self.expected {
            Some(expected) if !is_met => Err(UnmetExpectation { changed, expected }),
            _ => Ok(()),
        }
    }

    /// Returns the text.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// Returns the arguments in order.
    #[must_use]
    pub fn arguments(&self) -> &[SqlValue] {
        &self.arguments
    }

    /// Checks that the statement may run.
    ///
    /// # Errors
    /// Returns the first problem, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.sql.len() > MAX_SQL_BYTES {
            return Err(format!("its text has more than {MAX_SQL_BYTES} bytes"));
        }
        if self.arguments.len() > MAX_ARGUMENTS {
            return Err(format!("it has more than {MAX_ARGUMENTS} arguments"));
        }
        let Scan { first_word, placeholders } = scan(&self.sql)?;
        if !VERBS.contains(&first_word.to_ascii_uppercase().as_str()) {
            return Err(format!(
                "it begins with `{first_word}`; a statement that writes begins with {}",
                VERBS.map(|verb| format!("`{verb}`")).join(", ")
            ));
        }
        let given = self.arguments.len();
        if let Some(missing) = placeholders.iter().find(|&&number| number == 0 || number > given) {
            return Err(format!("its text names `${missing}`, and it has {given} arguments, from `$1` on"));
        }
        if let Some(unused) = (1..=given).find(|number| !placeholders.contains(number)) {
            return Err(format!("its text does not name its argument `${unused}`"));
        }
        self.arguments.iter().zip(1..).try_for_each(|(argument, number)| match argument {
            SqlValue::Float(float) if !float.is_finite() => Err(format!("`${number}` is no finite number")),
            SqlValue::Text(text) if text.contains('\0') => {
                Err(format!("`${number}` holds U+0000, which PostgreSQL's text does not"))
            }
            _ => Ok(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Statement;

    #[test]
    fn arguments_are_those_that_the_text_names() {
        let refused = |statement: Statement| statement.check().unwrap_err();
        let insert = |values: &str| Statement::new(format!("INSERT INTO t VALUES ({values})"));
        assert_eq!(
            refused(insert("$1, $2").bind(1)),
            "its text names `$2`, and it has 1 arguments, from `$1` on"
        );
        assert_eq!(
            refused(insert("$0").bind(1)),
            "its text names `$0`, and it has 1 arguments, from `$1` on"
        );
        assert_eq!(refused(insert("$1").bind(1).bind(2)), "its text does not name its argument `$2`");
        assert_eq!(refused(insert("$1").bind(f64::NAN)), "`$1` is no finite number");
        assert_eq!(refused(insert("$1").bind("a\0")), "`$1` holds U+0000, which PostgreSQL's text does not");
        assert_eq!(
            refused(Statement::new(format!("DELETE {}", " ".repeat(70_000)))),
            "its text has more than 65536 bytes"
        );
        insert("$1, $1, $2").bind(Some("a")).bind(None::<i64>).check().unwrap();
    }
}
