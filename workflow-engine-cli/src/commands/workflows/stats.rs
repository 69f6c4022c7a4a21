//! `workflows stats`: how long the stages of a workflow take, and how often they fail.

use clap::{Arg, ArgMatches, Command};
use workflow_engine::records::StageTimes;

use crate::api::Api;
use crate::client::{Call, segment};
use crate::failure::Failure;
use crate::output::{Table, note, text};
use crate::session::Session;

pub fn command() -> Command {
    Command::new("stats")
        .about(
            "Shows how long the stages of a workflow take and how often they fail, in its newest 1,000 runs",
        )
        .arg(Arg::new("workflow").value_name("WORKFLOW").required(true).help("The id of the workflow"))
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let id = matches.get_one::<String>("workflow").map_or("", String::as_str);
    let json = api.get(Call::get(format!("/workflows/{}/statistics", segment(id)))).await?;
    let out = &session.out;
    if !out.is_table() {
        return Ok(out.raw(json.as_str())?);
    }
    let times: StageTimes = json.decode()?;
    let mut table =
        Table::new(["STAGE", "COMPLETED", "FAILED", "HALF WITHIN", "95 % WITHIN"]).number(1).number(2);
    let millis = |millis: Option<u64>| {
        let millis =
            millis.and_then(|millis| i64::try_from(millis).ok()).map(chrono::TimeDelta::milliseconds);
        millis.map(text::duration).unwrap_or_default()
    };
    for stage in &times.stages {
        table.row([
            stage.stage_id.clone(),
            stage.completed.to_string(),
            stage.failed.to_string(),
            millis(stage.p50_ms),
            millis(stage.p95_ms),
        ]);
    }
    out.table(table)?;
    note(format!("{} runs", times.runs));
    Ok(())
}
