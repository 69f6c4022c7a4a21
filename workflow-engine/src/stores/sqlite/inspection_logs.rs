//! Lists the log lines of a run.

use super::SqliteStore;
use super::arguments::{count, selected};
use super::columns::records;
use crate::error::Error;
use crate::ports::LogFilter;
use crate::records::LogRecord;
use crate::stores::rows::log_columns;
use crate::value::RunId;

/// The lines of a run in one direction.
macro_rules! logs {
    ($beyond:literal, $order:literal) => {
        concat!(
            "SELECT ",
            log_columns!(flat_row),
            " FROM {prefix}logs AS l WHERE l.workflow_run_id = ?1 AND l.id ",
            $beyond,
            " ?2 AND (?3 IS NULL OR l.stage_id = ?3 AND (?8 = '' OR l.place = ?8)) AND (?4 IS NULL OR l.attempt = ?4)
            AND (?5 IS NULL OR instr(?5, l.level) > 0) AND NOT (?7 AND l.stage_id IS NOT NULL) ORDER BY l.id ",
            $order,
            " LIMIT ?6"
        )
    };
}

const OLDEST_FIRST: &str = logs!(">", "ASC");
const NEWEST_FIRST: &str = logs!("<", "DESC");

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[OLDEST_FIRST, NEWEST_FIRST];

impl SqliteStore {
    /// Returns the log lines that match.
    pub(super) async fn read_logs(
        &self,
        run_id: RunId,
        filter: &LogFilter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<LogRecord>, Error> {
        let (sql, beginning) = if filter.newest_first { (NEWEST_FIRST, i64::MAX) } else { (OLDEST_FIRST, 0) };
        let after = after.map_or(beginning, |after| i64::try_from(after).unwrap_or(i64::MAX));
        let (stage_id, place) = selected(filter.stage_key.as_ref());
        let query = self.query(sql).bind(run_id.to_string()).bind(after).bind(stage_id);
        let query = query.bind(filter.attempt).bind(filter.levels().map(|levels| levels.join(",")));
        let rows = self
            .inspect("read the log of a run", query.bind(count(limit)).bind(filter.run_only).bind(place))
            .await?;
        Ok(records(&rows)?)
    }
}
