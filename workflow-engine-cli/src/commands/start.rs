//! `start`: starts a run of a workflow of this program.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde::{Deserialize, Serialize};
use serde_json::json;
use workflow_engine::{Cost, Json, RunId};

use crate::api::Api;
use crate::client::{Call, Client, Database};
use crate::failure::Failure;
use crate::progress;
use crate::session::Session;
use crate::values;

pub fn command(has_workflows: bool) -> Command {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let command = Command::new("start")
        .about("Starts a run, and with --wait prints its output")
        .arg(Arg::new("workflow").value_name("WORKFLOW").required(true).help("The id of the workflow"))
        .arg(option("input", "JSON", "The input: JSON, @file, or - for standard input").short('i'))
        .arg(option("config", "JSON", "The configuration, by stage"))
        .arg(option("metadata", "JSON", "Data of the caller, stored with the run"))
        .arg(
            option("tag", "KEY=VALUE", "A tag, by which the run is found")
                .action(ArgAction::Append)
                .value_parser(values::pair),
        )
        .arg(option("key", "KEY", "An idempotency key: the same key and request start one run"))
        .arg(
            option("priority", "NUMBER", "Higher is claimed first; default 5")
                .value_parser(value_parser!(i32))
                .allow_negative_numbers(true),
        )
        .arg(
            option("version", "NUMBER", "The version of the workflow; default the newest")
                .value_parser(value_parser!(u32)),
        )
        .arg(
            option("budget", "AMOUNT", "The highest cost of its calls of models: '0.50 USD'")
                .value_parser(|text: &str| text.parse::<Cost>()),
        )
        .arg(
            option("at", "INSTANT", "When the run starts: 2026-12-24T18:00:00Z; default at once")
                .value_parser(values::instant)
                .conflicts_with("after"),
        )
        .arg(option("after", "TIME", "How much later the run starts: 2h, 7d").value_parser(values::duration))
        .arg(
            option("deadline", "TIME", "The longest time of the run; default that of the workflow")
                .value_parser(values::duration),
        )
        .arg(
            option("wait", "", "Wait for the run to end, and print its output")
                .num_args(0)
                .action(ArgAction::SetTrue),
        );
    if !has_workflows {
        return command;
    }
    command.arg(
        option("worker", "", "Execute stages in this process too, until the run has ended")
            .num_args(0)
            .action(ArgAction::SetTrue)
            .requires("wait"),
    )
}

pub async fn execute(session: &Session, matches: &ArgMatches) -> Result<(), Failure> {
    let call = call(matches).await?;
    let waits = matches.get_flag("wait");
    let has_worker = matches.try_get_one::<bool>("worker").ok().flatten() == Some(&true);
    if let Some(api) = session.remote()? {
        if has_worker {
            return Err(Failure::usage("`--worker` executes stages of a store: it needs `--db`"));
        }
        return start(session, &api, call, waits).await;
    }
    if !session.program().has_workflows() {
        return Err(Failure::usage("a run is started by the program of its workflow, or by a server")
            .advice("pass `--server URL`, or use the program's own command `start`"));
    }
    let builder = session.builder()?;
    let engine = if has_worker { builder.build().await? } else { builder.without_worker().build().await? };
    let outcome = match Database::new(engine.clone()) {
        Ok(database) => start(session, &Api::new(Client::new(database)), call, waits).await,
        Err(failure) => Err(failure),
    };
    engine.shutdown().await;
    outcome
}

/// The started run.
#[derive(Deserialize)]
struct Started {
    run_id: RunId,
}

async fn start(session: &Session, api: &Api, call: Call, waits: bool) -> Result<(), Failure> {
    let json = api.post(call).await?;
    let started: Started = json.decode()?;
    if !waits {
        if session.out.is_table() {
            session.out.line(started.run_id.to_string())?;
        } else {
            session.out.raw(json.as_str())?;
        }
        return Ok(());
    }
    crate::output::note(format!("run {}", started.run_id));
    progress::outcome(&progress::follow(api, started.run_id).await?)?;
    session.out.line(api.payload(started.run_id, "output").await?.as_str())?;
    Ok(())
}

/// The request for a run.
#[derive(Serialize)]
struct StartRun<'a> {
    workflow: &'a str,
    input: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Json>,
    tags: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<Cost>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline_ms: Option<u64>,
}

async fn call(matches: &ArgMatches) -> Result<Call, Failure> {
    let text = |name: &str| matches.get_one::<String>(name);
    let milliseconds = |name: &str| {
        let duration = matches.get_one::<Duration>(name);
        duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    };
    // A workflow without input has the input `{}`.
    let input = match values::json_option(matches, "input").await? {
        Some(input) => input,
        None => Json::encode(&json!({}))?,
    };
    let tags = matches.get_many::<(String, String)>("tag").into_iter().flatten();
    let request = StartRun {
        // clap requires the workflow.
        workflow: text("workflow").map_or("", String::as_str),
        input,
        version: matches.get_one("version").copied(),
        config: values::json_option(matches, "config").await?,
        priority: matches.get_one("priority").copied(),
        metadata: values::json_option(matches, "metadata").await?,
        tags: tags.cloned().collect(),
        budget: matches.get_one("budget").copied(),
        start_at: matches.get_one("at").copied(),
        start_after_ms: milliseconds("after"),
        deadline_ms: milliseconds("deadline"),
    };
    let call = Call::post("/runs", &request)?;
    Ok(match text("key") {
        Some(key) => call.header("idempotency-key", key),
        None => call,
    })
}
