//! `runs timeline`: the attempts of all stages over time, in all generations.

use clap::{ArgMatches, Command};
use serde::Serialize;
use workflow_engine::records::AttemptRecord;

use super::list::cost;
use crate::api::Api;
use crate::failure::Failure;
use crate::output::{Format, Table, text};
use crate::session::Session;
use crate::values;

pub fn command() -> Command {
    Command::new("timeline")
        .about("Shows the attempts of all stages over time: when, how long, and how they ended")
        .arg(values::run_id())
}

/// An attempt with its stage.
#[derive(Debug, Serialize)]
struct StageAttempt {
    stage_id: String,
    #[serde(flatten)]
    attempt: AttemptRecord,
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let (run_id, out) = (values::the_run(matches), &session.out);
    let mut attempts = Vec::new();
    for stage in api.stages(run_id).await? {
        for attempt in api.attempts(run_id, &stage.stage_id).await? {
            attempts.push(StageAttempt { stage_id: stage.stage_id.clone(), attempt });
        }
    }
    // Attempts that began together stay in reading order. A check has no start of its own.
    attempts.sort_by_key(|one| (one.attempt.generation, one.attempt.started_at.or(one.attempt.ended_at)));
    match out.format {
        Format::Json => out.json(&serde_json::json!({ "items": attempts }))?,
        Format::Ndjson => attempts.iter().try_for_each(|attempt| out.json(attempt))?,
        Format::Table => out.table(table(session, &attempts))?,
    }
    Ok(())
}

fn table(session: &Session, attempts: &[StageAttempt]) -> Table {
    let zone = session.out.zone;
    let started = format!("STARTED ({})", zone.name());
    let heads = ["GENERATION", &started, "TOOK", "STAGE", "ATTEMPT", "OUTCOME", "COST", "ERROR"];
    let mut table = Table::new(heads).number(0).number(4);
    for StageAttempt { stage_id, attempt } in attempts {
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
    table
}
