//! The store on SQLite as a ledger of calls.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::arguments::count;
use super::columns::Columns;
use super::failure::Failure;
use super::work::{CallWrite, Work};
use crate::error::Error;
use crate::ledger::{CallOutcome, CallReservation, CallStatistics, CallSums};
use crate::ports::Ledger;
use crate::records::CallType;
use crate::records::{AiCallRecord, CallStatus};
use crate::value::{CallId, Cost, Json, RunId};

/// The columns of a call in the order in which [`call`] reads them.
macro_rules! call_columns {
    () => {
        "c.id, c.workflow_run_id, c.stage_id, c.generation, c.attempt, c.topic, c.call_type, c.model_key, \
         c.model_id, c.prompt, c.response, c.input_tokens, c.cached_input_tokens, c.output_tokens, c.cost, \
         c.reserved, c.metadata, c.outcome, c.error_message, c.created_at, c.ended_at"
    };
}

/// Whether the call `c` belongs to the topic ?1 or one below it. A range, because a pattern would read `_` and `%` in a
/// topic as wildcards.
macro_rules! of_topic {
    () => {
        "c.topic >= ?1 AND c.topic < ?1 || '/' AND (c.topic = ?1 OR c.topic >= ?1 || '.')"
    };
}

const OF_RUN: &str = concat!(
    "SELECT ",
    call_columns!(),
    " FROM {prefix}ai_calls AS c WHERE c.workflow_run_id = ?1 AND c.id > ?2 ORDER BY c.id LIMIT ?3"
);

const OF_TOPIC: &str = concat!(
    "SELECT ",
    call_columns!(),
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
        Ok(rows.iter().map(call).collect::<Result<_, _>>()?)
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
        Ok(rows.iter().map(call).collect::<Result<_, _>>()?)
    }

    async fn call_statistics(&self, topic: &str) -> Result<CallStatistics, Error> {
        let query = self.query(STATISTICS).bind(topic.to_owned());
        let rows = self.read("sum up the calls of a topic", query).await?;
        Ok(CallStatistics::new(rows.iter().map(sums).collect::<Result<_, _>>()?))
    }

    async fn reserve_call(&self, id: CallId, call: CallReservation) -> Result<(), Error> {
        self.request("reserve a call", Work::WriteCall, CallWrite::Reserve(id, Box::new(call))).await
    }

    async fn settle_call(&self, id: CallId, outcome: CallOutcome) -> Result<(), Error> {
        self.request("settle a call", Work::WriteCall, CallWrite::Settle(id, Box::new(outcome))).await
    }
}

fn call(row: &SqliteRow) -> Result<AiCallRecord, Failure> {
    let mut columns = Columns::new(row, "workflow_ai_calls", 0);
    let id: &str = columns.get("id")?;
    let id = id.parse::<uuid::Uuid>().map_err(|error| columns.unreadable("id", error))?;
    let run_id: Option<&str> = columns.get("workflow_run_id")?;
    let run_id = run_id.map(str::parse).transpose();
    Ok(AiCallRecord {
        id: CallId::from(id),
        run_id: run_id.map_err(|error: Error| columns.unreadable("workflow_run_id", error))?,
        stage_id: columns.get("stage_id")?,
        generation: columns.int("generation")?,
        attempt: columns.int("attempt")?,
        topic: columns.get("topic")?,
        call_type: {
            let text: &str = columns.get("call_type")?;
            let found = CallType::ALL.into_iter().find(|kind| kind.as_str() == text);
            found.ok_or_else(|| columns.unreadable("call_type", "it is none"))?
        },
        model_key: columns.get("model_key")?,
        model_id: columns.get("model_id")?,
        prompt: columns.get("prompt")?,
        response: columns.get("response")?,
        input_tokens: columns.int("input_tokens")?,
        cached_input_tokens: columns.int("cached_input_tokens")?,
        output_tokens: columns.int("output_tokens")?,
        cost: columns.get("cost").map(Cost::from_picodollars)?,
        reserved: columns.get("reserved").map(Cost::from_picodollars)?,
        metadata: columns.get::<Option<&str>>("metadata")?.map(Json::trusted),
        outcome: {
            let text: &str = columns.get("outcome")?;
            let found = CallStatus::ALL.into_iter().find(|outcome| outcome.as_str() == text);
            found.ok_or_else(|| columns.unreadable("outcome", "it is none"))?
        },
        error_message: columns.get("error_message")?,
        created_at: columns.instant("created_at")?,
        ended_at: columns.maybe_instant("ended_at")?,
    })
}

fn sums(row: &SqliteRow) -> Result<(String, CallSums), Failure> {
    let mut columns = Columns::new(row, "workflow_ai_calls", 0);
    let model = columns.get("model_key")?;
    let sums = CallSums {
        calls: columns.int("count")?,
        settled: columns.int("settled")?,
        failed: columns.int("failed")?,
        unknown: columns.int("unknown")?,
        input_tokens: columns.int("input_tokens")?,
        cached_input_tokens: columns.int("cached_input_tokens")?,
        output_tokens: columns.int("output_tokens")?,
        cost: from_halves(columns.get("cost")?, columns.get("cost")?),
        reserved: from_halves(columns.get("reserved")?, columns.get("reserved")?),
    };
    Ok((model, sums))
}

fn from_halves(high: i64, low: i64) -> Cost {
    let sum = (i128::from(high) << 32) + i128::from(low);
    Cost::from_picodollars(i64::try_from(sum).unwrap_or(i64::MAX))
}
