//! The store on SQLite as a ledger of calls.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::arguments::count;
use super::batch::Batch;
use super::calls;
use super::columns::{Columns, records};
use super::cost_hours;
use super::failure::Failure;
use super::json_rows::JsonRows;
use crate::error::Error;
use crate::ledger::{CallOutcome, CallReservation, CallStatistics, CallSums};
use crate::ports::Ledger;
use crate::records::AiCallRecord;
use crate::stores::calls::{ReservedRow, SettledRow};
use crate::stores::rows::{ReadColumns, RowList, call_columns, put_reserved, put_settled};
use crate::value::{CallId, Cost, RunId};

/// Whether the call `c` belongs to the topic ?1 or one below it. A range, because a pattern would read `_` and `%` in a
/// topic as wildcards.
macro_rules! of_topic {
    () => {
        "c.topic >= ?1 AND c.topic < ?1 || '/' AND (c.topic = ?1 OR c.topic >= ?1 || '.')"
    };
}

const OF_RUN: &str = concat!(
    "SELECT ",
    call_columns!(flat_row),
    " FROM {prefix}ai_calls AS c WHERE c.workflow_run_id = ?1 AND c.id > ?2 ORDER BY c.id LIMIT ?3"
);

const OF_TOPIC: &str = concat!(
    "SELECT ",
    call_columns!(flat_row),
    " FROM {prefix}ai_calls AS c WHERE ",
    of_topic!(),
    " AND (c.topic, c.id) > (?2, ?3) ORDER BY c.topic, c.id LIMIT ?4"
);

/// Sums amounts in halves of 32 bits, which are added without loss afterwards: SQLite's `sum` fails beyond 2^63.
const STATISTICS: &str = concat!(
    "SELECT c.model_key, count(*), sum(c.outcome = 'SETTLED'), sum(c.outcome = 'FAILED'),
        sum(c.outcome = 'UNKNOWN'), sum(c.input_tokens), sum(c.cached_input_tokens), sum(c.output_tokens),
        sum(c.cost >> 32), sum(c.cost & 4294967295), sum(c.reserved >> 32), sum(c.reserved & 4294967295)
    FROM {prefix}ai_calls AS c WHERE ",
    of_topic!(),
    " GROUP BY c.model_key ORDER BY c.model_key"
);

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[OF_RUN, OF_TOPIC, STATISTICS];

#[async_trait]
impl Ledger for SqliteStore {
    async fn calls_of_run(
        &self,
        run_id: RunId,
        after: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<AiCallRecord>, Error> {
        let after = after.map_or_else(String::new, |id| id.to_string());
        let query = self.query(OF_RUN).bind(run_id.to_string()).bind(after).bind(count(limit));
        let rows = self.read("read the calls of a run", query).await?;
        Ok(records(&rows)?)
    }

    async fn calls_of_topic(
        &self,
        topic: &str,
        after: Option<(String, CallId)>,
        limit: usize,
    ) -> Result<Vec<AiCallRecord>, Error> {
        let (last, id) = after.map_or_else(Default::default, |(topic, id)| (topic, id.to_string()));
        let query = self.query(OF_TOPIC).bind(topic.to_owned()).bind(last).bind(id).bind(count(limit));
        let rows = self.read("read the calls of a topic", query).await?;
        Ok(records(&rows)?)
    }

    async fn call_statistics(&self, topic: &str) -> Result<CallStatistics, Error> {
        let query = self.query(STATISTICS).bind(topic.to_owned());
        let rows = self.read("sum up the calls of a topic", query).await?;
        Ok(CallStatistics::new(rows.iter().map(sums).collect::<Result<_, _>>()?))
    }

    async fn reserve_call(&self, id: CallId, call: CallReservation) -> Result<(), Error> {
        let reserve = |batch: &mut Batch, (id, call): &(CallId, CallReservation)| {
            let mut rows = JsonRows::default();
            rows.push(|row| {
                put_reserved(row, &ReservedRow::without_stage(*id, call.clone(), batch.now), true);
            });
            batch.session.write("reserve a call", calls::RESERVE, rows)
        };
        self.write("reserve a call", reserve, (id, call)).await
    }

    async fn settle_call(&self, id: CallId, outcome: CallOutcome) -> Result<(), Error> {
        let settle = |batch: &mut Batch, (id, outcome): &(CallId, CallOutcome)| {
            let mut rows = JsonRows::default();
            let settled = SettledRow::new(*id, outcome.clone(), batch.now);
            rows.push(|row| put_settled(row, &settled, false, true));
            batch.session.write("settle a call", calls::SETTLE, rows)
        };
        self.write("settle a call", settle, (id, outcome)).await
    }

    async fn roll_up_calls(&self, limit: usize) -> Result<usize, Error> {
        self.write("sum up calls of models", cost_hours::roll_up, limit).await
    }
}

fn sums(row: &SqliteRow) -> Result<(String, CallSums), Failure> {
    let mut columns = Columns::new(row, "workflow_ai_calls", 0);
    let model = columns.text("model_key")?;
    let sums = CallSums {
        calls: columns.int("count")?,
        settled: columns.int("settled")?,
        failed: columns.int("failed")?,
        unknown: columns.int("unknown")?,
        input_tokens: columns.int("input_tokens")?,
        cached_input_tokens: columns.int("cached_input_tokens")?,
        output_tokens: columns.int("output_tokens")?,
        cost: from_halves(columns.int("cost")?, columns.int("cost")?),
        reserved: from_halves(columns.int("reserved")?, columns.int("reserved")?),
    };
    Ok((model, sums))
}

fn from_halves(high: i64, low: i64) -> Cost {
    let sum = (i128::from(high) << 32) + i128::from(low);
    Cost::from_picodollars(i64::try_from(sum).unwrap_or(i64::MAX))
}
