//! `runs fork`: a new run that takes over what another one has completed before a stage.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde::{Deserialize, Serialize};
use workflow_engine::{Json, RunId};

use crate::api::Api;
use crate::client::Call;
use crate::failure::{Exit, Failure};
use crate::session::Session;
use crate::values;

pub fn command() -> Command {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new("fork")
        .about("Starts a new run that takes over what this one has completed before a stage; this one stays")
        .arg(values::run_id())
        .arg(option("from", "STAGE", "The first stage to run; default the first that has not completed"))
        .arg(option("input", "JSON", "Another input, where the fork begins at the start: JSON, @file or -"))
        .arg(option("config", "JSON", "Another configuration, by stage"))
        .arg(
            option("set-output", "STAGE=JSON", "Another output of a stage that is taken over")
                .action(ArgAction::Append)
                .value_parser(values::pair),
        )
        .arg(option("key", "KEY", "An idempotency key: the same key and request fork once"))
        .arg(Arg::new("dry-run").long("dry-run").action(ArgAction::SetTrue).help("Only show what would run"))
}

/// The request for a fork.
#[derive(Serialize)]
struct Fork {
    from_stage: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Json>,
    outputs: BTreeMap<String, Json>,
}

/// The new run.
#[derive(Deserialize)]
struct Forked {
    run_id: Option<RunId>,
    taken_over: Vec<String>,
    stages: Vec<String>,
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let run_id = values::the_run(matches);
    let text = |name: &str| matches.get_one::<String>(name);
    let from_stage = match text("from") {
        Some(from) => from.clone(),
        None => api.first_open_stage(run_id).await?.ok_or_else(|| {
            Failure::new(Exit::Conflict, format!("run `{run_id}` has no stage that is not completed"))
                .advice("name the stage to begin with: `--from STAGE`")
        })?,
    };
    let mut outputs = BTreeMap::new();
    for (stage_id, output) in matches.get_many::<(String, String)>("set-output").into_iter().flatten() {
        outputs.insert(stage_id.clone(), values::json("--set-output", output).await?);
    }
    let input = values::json_option(matches, "input").await?;
    let config = values::json_option(matches, "config").await?;
    let fork = Fork { from_stage, input, config, outputs };
    let mut call = Call::post(format!("/runs/{run_id}/fork"), &fork)?;
    call = call.maybe("dry_run", matches.get_flag("dry-run").then_some(true));
    if let Some(key) = text("key") {
        call = call.header("idempotency-key", key);
    }
    let json = api.post(call).await?;
    let out = &session.out;
    if !out.is_table() {
        return Ok(out.raw(json.as_str())?);
    }
    let forked: Forked = json.decode()?;
    let list = |stages: &[String]| if stages.is_empty() { "nothing".to_owned() } else { stages.join(", ") };
    let (taken_over, stages) = (list(&forked.taken_over), list(&forked.stages));
    let line = match forked.run_id {
        Some(new) => format!("{new}  takes over {taken_over}; runs {stages}"),
        None => format!("would take over {taken_over}, and run {stages}"),
    };
    Ok(out.line(line)?)
}
