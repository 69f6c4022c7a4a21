//! Lists the log lines of a run.

use super::PostgresStore;
use super::arrays::number;
use super::columns;
use super::key_columns::selected;
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
            log_columns!(array_row),
            " FROM {schema}.workflow_logs AS l WHERE l.workflow_run_id = $1 AND l.id ",
            $beyond,
            " $2 AND ($3::text IS NULL OR l.stage_id = $3 AND ($8 = '' OR l.place = $8)) AND ($4::bigint IS NULL OR l.attempt = $4)
            AND ($5::text[] IS NULL OR l.level = ANY($5)) AND NOT ($7 AND l.stage_id IS NOT NULL) ORDER BY l.id ",
            $order,
            " LIMIT $6"
        )
    };
}

const OLDEST_FIRST: &str = logs!(">", "ASC");
const NEWEST_FIRST: &str = logs!("<", "DESC");

impl PostgresStore {
    /// Returns the log lines that match.
    pub(super) async fn read_logs(
        &self,
        run_id: RunId,
        filter: &LogFilter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<LogRecord>, Error> {
        let (id, limit) = (*run_id.as_uuid(), number(limit));
        let (sql, beginning) = if filter.newest_first { (NEWEST_FIRST, i64::MAX) } else { (OLDEST_FIRST, 0) };
        let after = after.map_or(beginning, number);
        let (stage, place) = selected(filter.stage_key.as_ref());
        let (attempt, levels, run_only) = (filter.attempt.map(i64::from), filter.levels(), filter.run_only);
        let rows = self.inspect("read the log of a run", move |database| {
            let query = database.query(sql).bind(id).bind(after).bind(stage.clone());
            query.bind(attempt).bind(levels.clone()).bind(limit).bind(run_only).bind(place.clone())
        });
        Ok(columns::records(&rows.await?)?)
    }
}
