//! `start`: starts a run of a workflow of this program.

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::json;
use workflow_engine::kernel::CreateRun;
use workflow_engine::{Cost, Json};

use crate::api::Api;
use crate::failure::Failure;
use crate::progress;
use crate::session::Session;
use crate::values;

pub fn command() -> Command {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new("start")
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
        )
        .arg(
            option("worker", "", "Execute stages in this process too, until the run has ended")
                .num_args(0)
                .action(ArgAction::SetTrue)
                .requires("wait"),
        )
}

pub async fn execute(session: &Session, matches: &ArgMatches) -> Result<(), Failure> {
    let request = request(matches)?;
    let has_worker = matches.get_flag("worker");
    let builder = session.builder()?;
    let engine = if has_worker { builder.build().await? } else { builder.without_worker().build().await? };
    let api = Api::new(engine.clone());
    let outcome = start(session, &api, request, matches.get_flag("wait")).await;
    engine.shutdown().await;
    outcome
}

async fn start(session: &Session, api: &Api, request: CreateRun, waits: bool) -> Result<(), Failure> {
    let started = api.start(request).await?;
    if !waits {
        if session.out.is_table() {
            session.out.line(started.run_id.to_string())?;
        } else {
            session.out.json(&started)?;
        }
        return Ok(());
    }
    crate::output::note(format!("run {}", started.run_id));
    progress::outcome(&progress::follow(api, started.run_id).await?)?;
    session.out.line(api.output(started.run_id).await?.as_str())?;
    Ok(())
}

fn request(matches: &ArgMatches) -> Result<CreateRun, Failure> {
    let text = |name: &str| matches.get_one::<String>(name);
    let json_of = |name: &str| text(name).map(|value| values::json(&format!("--{name}"), value)).transpose();
    // A workflow without input has the input `{}`.
    let input = match json_of("input")? {
        Some(input) => input,
        None => Json::encode(&json!({}))?,
    };
    // clap requires the workflow.
    let mut request = CreateRun::new(text("workflow").map_or("", String::as_str), input);
    request.config = json_of("config")?;
    request.metadata = json_of("metadata")?;
    request.idempotency_key = text("key").cloned();
    request.priority = matches.get_one("priority").copied();
    request.version = matches.get_one("version").copied();
    request.budget = matches.get_one("budget").copied();
    request.start_at = matches.get_one("at").copied();
    request.start_after = matches.get_one("after").copied();
    request.deadline = matches.get_one("deadline").copied();
    let tags = matches.get_many::<(String, String)>("tag").into_iter().flatten();
    request.tags = tags.cloned().collect();
    Ok(request)
}
