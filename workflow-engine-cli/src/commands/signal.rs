//! `signal`: sends a signal to a stage that waits for one.

use clap::{Arg, ArgMatches, Command};
use serde_json::json;
use workflow_engine::Json;

use crate::api::Api;
use crate::client::Call;
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
    let run_id = values::the_run(matches);
    let body =
        json!({ "stage": stage_id, "payload": payload_of(matches).await?, "actor": actor_of(matches) });
    let call = Call::post(format!("/runs/{run_id}/signal"), &body)?;
    send(session, &api, call, &format!("{run_id}  {stage_id}"), matches).await
}

/// Returns the payload of these arguments.
pub async fn payload_of(matches: &ArgMatches) -> Result<Json, Failure> {
    values::json("JSON", matches.get_one::<String>("payload").map_or("", String::as_str)).await
}

/// Returns who sends the signal, if these arguments name a sender.
pub fn actor_of(matches: &ArgMatches) -> Option<&String> {
    matches.get_one::<String>("actor")
}

/// Sends a signal with the idempotency key of these arguments, and says so.
pub async fn send(
    session: &Session,
    api: &Api,
    call: Call,
    about: &str,
    matches: &ArgMatches,
) -> Result<(), Failure> {
    let call = match matches.get_one::<String>("key") {
        Some(key) => call.header("idempotency-key", key),
        None => call,
    };
    let json = api.post(call).await?;
    if session.out.is_table() {
        session.out.line(format!("{about} has its signal"))?;
    } else {
        session.out.raw(json.as_str())?;
    }
    Ok(())
}
