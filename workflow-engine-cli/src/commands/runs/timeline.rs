//! `runs timeline`: the attempts of all stages over time, in all generations.

use clap::{ArgMatches, Command};
use workflow_engine::records::{AttemptRecord, StageWait, Timeline, WaitReason};

use super::list::cost;
use crate::api::Api;
use crate::client::Call;
use crate::failure::Failure;
use crate::output::{Table, text};
use crate::session::Session;
use crate::values;
use workflow_engine::StageKey;

pub fn command() -> Command {
    Command::new("timeline")
        .about("Shows the attempts of all stages over time: when, how long, and how they ended")
        .arg(values::run_id())
}

/// A line of the table: an attempt or a wait of a stage.
enum Row {
    Attempt(AttemptRecord),
    Wait(StageWait),
}

impl Row {
    /// Rows that began together stay in reading order. A check has no start of its own.
    fn place(&self) -> (u32, Option<chrono::DateTime<chrono::Utc>>) {
        match self {
            Self::Attempt(attempt) => (attempt.generation, attempt.started_at.or(attempt.ended_at)),
            Self::Wait(wait) => (wait.generation, Some(wait.from)),
        }
    }
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let (run_id, out) = (values::the_run(matches), &session.out);
    let json = api.get(Call::get(format!("/runs/{run_id}/timeline"))).await?;
    if !out.is_table() {
        return Ok(out.raw(json.as_str())?);
    }
    let timeline: Timeline = json.decode()?;
    let mut rows: Vec<(String, Row)> = Vec::new();
    for stage in timeline.stages {
        let key = StageKey::new(stage.stage_id, stage.place).to_string();
        let attempts = stage.attempts.into_iter().map(Row::Attempt);
        let waits = stage.waits.into_iter().map(Row::Wait);
        rows.extend(attempts.chain(waits).map(|row| (key.clone(), row)));
    }
    rows.sort_by_key(|(_, row)| row.place());
    Ok(out.table(table(session, &rows))?)
}

fn table(session: &Session, rows: &[(String, Row)]) -> Table {
    let zone = session.out.zone;
    let started = format!("STARTED ({})", zone.name());
    let heads = ["GENERATION", &started, "TOOK", "STAGE", "ATTEMPT", "OUTCOME", "COST", "ERROR"];
    let mut table = Table::new(heads).number(0).number(4);
    for (stage_id, row) in rows {
        match row {
            Row::Attempt(attempt) => {
                let outcome = serde_json::to_value(attempt.outcome).ok();
                let outcome = outcome.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
                table.row([
                    attempt.generation.to_string(),
                    attempt.started_at.map(|at| zone.show_time(at)).unwrap_or_default(),
                    text::between(attempt.started_at, attempt.ended_at),
                    stage_id.clone(),
                    format!("{}{}", attempt.number, if attempt.is_check { " (check)" } else { "" }),
                    outcome.to_owned(),
                    cost(attempt.cost),
                    attempt.error.clone().unwrap_or_default(),
                ]);
            }
            Row::Wait(wait) => {
                let reason = match wait.reason {
                    WaitReason::Worker => "waits for a worker",
                    WaitReason::Backoff => "waits for its next attempt",
                    WaitReason::Child => "waits for its run",
                    _ => "waits for something outside",
                };
                table.row([
                    wait.generation.to_string(),
                    zone.show_time(wait.from),
                    text::between(Some(wait.from), wait.to),
                    stage_id.clone(),
                    String::new(),
                    reason.to_owned(),
                    String::new(),
                    String::new(),
                ]);
            }
        }
    }
    table
}
