//! `signal`: sends a signal to a stage that waits for one.

use clap::{Arg, ArgMatches, Command};
use workflow_engine::kernel::SignalRun;
use workflow_engine::{Json, RunId};

use crate::api::Api;
use crate::failure::Failure;
use crate::session::Session;
use crate::values;

pub fn command() -> Command {
    let command = Command::new("signal")
        .about("Sends a signal to a stage that waits for one")
        .arg(values::run_id())
        .arg(Arg::new("stage").value_name("STAGE").required(true).help("The id of the stage"));
    payload(command)
}

/// Adds the arguments of a payload.
pub fn payload(command: Command) -> Command {
    command
        .arg(
            Arg::new("payload")
                .value_name("JSON")
                .required(true)
                .help("The payload: JSON, @file, or - for standard input"),
        )
        .arg(Arg::new("actor").long("actor").value_name("NAME").help("Who sends it, for people"))
        .arg(
            Arg::new("key")
                .long("key")
                .value_name("KEY")
                .help("An idempotency key: the same key and payload signal once"),
        )
}

pub async fn execute(session: &Session, api: Api, matches: &ArgMatches) -> Result<(), Failure> {
    // clap requires the stage.
    let stage_id = matches.get_one::<String>("stage").map_or("", String::as_str);
    send(session, &api, values::the_run(matches), stage_id, matches).await
}

/// Sends the payload of these arguments.
pub async fn send(
    session: &Session,
    api: &Api,
    run_id: RunId,
    stage_id: &str,
    matches: &ArgMatches,
) -> Result<(), Failure> {
    let text = matches.get_one::<String>("payload").map_or("", String::as_str);
    let payload: Json = values::json("JSON", text)?;
    let mut request = SignalRun::new(run_id, stage_id, payload);
    request.actor = matches.get_one::<String>("actor").cloned();
    request.idempotency_key = matches.get_one::<String>("key").cloned();
    api.signal(request).await?;
    if session.out.is_table() {
        session.out.line(format!("{run_id}  {stage_id} has its signal"))?;
    } else {
        session
            .out
            .json(&serde_json::json!({ "run_id": run_id, "stage_id": stage_id, "signalled": true }))?;
    }
    Ok(())
}
