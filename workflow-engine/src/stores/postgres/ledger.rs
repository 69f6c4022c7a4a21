//! Implements the ledger port: the calls of models.

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::PostgresStore;
use super::arrays::number;
use super::calls;
use super::column_arrays::ColumnArrays;
use super::columns::{Columns, records};
use super::failure::Failure;
use super::text::stored;
use crate::error::Error;
use crate::ledger::{CallOutcome, CallReservation, CallStatistics, CallSums};
use crate::ports::{Ledger, SystemClock};
use crate::records::AiCallRecord;
use crate::stores::calls::{ReservedRow, SettledRow};
use crate::stores::instant;
use crate::stores::rows::{ReadColumns, RowList, call_columns, put_reserved, put_settled};
use crate::value::{CallId, RunId};

/// Whether the call `c` belongs to the topic $1 or one below it. It compares ranges, because in a pattern the
/// characters `_` and `%` of a topic would be wildcards. `/` is the character after `.`, which separates segments.
macro_rules! of_topic {
    () => {
        "c.topic >= $1 AND c.topic < $1 || '/' AND (c.topic = $1 OR c.topic >= $1 || '.')"
    };
}

const OF_RUN: &str = concat!(
    "SELECT ",
    call_columns!(array_row),
    " FROM {schema}.workflow_ai_calls AS c WHERE c.workflow_run_id = $1 AND ($2::uuid IS NULL OR c.id > $2)
    ORDER BY c.id LIMIT $3"
);

const OF_TOPIC: &str = concat!(
    "SELECT ",
    call_columns!(array_row),
    " FROM {schema}.workflow_ai_calls AS c WHERE ",
    of_topic!(),
    " AND ($3::uuid IS NULL OR (c.topic, c.id) > ($2, $3)) ORDER BY c.topic, c.id LIMIT $4"
);

/// Sums are capped at the largest number that a column can hold.
const STATISTICS: &str = concat!(
    "SELECT NULL::uuid, ARRAY[c.model_key], ARRAY[count(*), count(*) FILTER (WHERE c.outcome = 'SETTLED'),
        count(*) FILTER (WHERE c.outcome = 'FAILED'), count(*) FILTER (WHERE c.outcome = 'UNKNOWN'),
        least(sum(c.input_tokens), 9223372036854775807)::bigint,
        least(sum(c.cached_input_tokens), 9223372036854775807)::bigint,
        least(sum(c.output_tokens), 9223372036854775807)::bigint,
        least(sum(c.cost), 9223372036854775807)::bigint,
        least(sum(c.reserved), 9223372036854775807)::bigint], ARRAY[]::timestamptz[]
    FROM {schema}.workflow_ai_calls AS c WHERE ",
    of_topic!(),
    " GROUP BY c.model_key ORDER BY c.model_key"
);

#[async_trait]
impl Ledger for PostgresStore {
    async fn calls_of_run(
        &self,
        run_id: RunId,
        after: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<AiCallRecord>, Error> {
        let (id, after, limit) = (*run_id.as_uuid(), after.map(CallId::as_uuid), number(limit));
        let rows = self.read("read the calls of a run", move |database| {
            database.query(OF_RUN).bind(id).bind(after).bind(limit)
        });
        Ok(records(&rows.await?)?)
    }

    async fn calls_of_topic(
        &self,
        topic: &str,
        after: Option<(String, CallId)>,
        limit: usize,
    ) -> Result<Vec<AiCallRecord>, Error> {
        let (topic, limit) = (stored(topic).into_owned(), number(limit));
        let last = after.as_ref().map(|(topic, _)| stored(topic).into_owned());
        let id: Option<Uuid> = after.map(|(_, id)| id.as_uuid());
        let rows = self.read("read the calls of a topic", move |database| {
            let query = database.query(OF_TOPIC).bind(topic.clone());
            query.bind(last.clone()).bind(id).bind(limit)
        });
        Ok(records(&rows.await?)?)
    }

    async fn call_statistics(&self, topic: &str) -> Result<CallStatistics, Error> {
        let topic = stored(topic).into_owned();
        let rows = self.read("sum up the calls of a topic", move |database| {
            database.query(STATISTICS).bind(topic.clone())
        });
        Ok(CallStatistics::new(rows.await?.iter().map(sums).collect::<Result<_, _>>()?))
    }

    async fn reserve_call(&self, id: CallId, call: CallReservation) -> Result<(), Error> {
        let rows = self.read("write a call", move |database| {
            let test_now = database.test_now();
            let at = test_now.unwrap_or_else(|| instant::now(&SystemClock));
            let mut rows = ColumnArrays::default();
            let call = ReservedRow::without_stage(id, call.clone(), at);
            rows.push(|row| put_reserved(row, &call, test_now.is_some()));
            rows.bind(database.query(calls::RESERVE))
        });
        rows.await.map(drop)
    }

    async fn settle_call(&self, id: CallId, outcome: CallOutcome) -> Result<(), Error> {
        let rows = self.read("write the outcome of a call", move |database| {
            let test_now = database.test_now();
            let at = test_now.unwrap_or_else(|| instant::now(&SystemClock));
            let mut rows = ColumnArrays::default();
            let call = SettledRow::new(id, outcome.clone(), at);
            rows.push(|row| put_settled(row, &call, false, test_now.is_some()));
            rows.bind(database.query(calls::SETTLE))
        });
        rows.await.map(drop)
    }

    async fn roll_up_calls(&self, limit: usize) -> Result<usize, Error> {
        self.roll_up(limit).await
    }
}

fn sums(row: &PgRow) -> Result<(String, CallSums), Failure> {
    let mut columns = Columns::new(row, "workflow_ai_calls")?;
    let sums = CallSums {
        calls: columns.int("count")?,
        settled: columns.int("settled")?,
        failed: columns.int("failed")?,
        unknown: columns.int("unknown")?,
        input_tokens: columns.int("input_tokens")?,
        cached_input_tokens: columns.int("cached_input_tokens")?,
        output_tokens: columns.int("output_tokens")?,
        cost: columns.cost("cost")?,
        reserved: columns.cost("reserved")?,
    };
    Ok((columns.text("model_key")?, sums))
}
