//! `approvals`: the stages that wait for a signal.

use clap::{Arg, ArgMatches, Command};
use serde_json::json;
use workflow_engine::{ApprovalId, Json, PendingApproval};
use workflow_engine_server::PageView;

use super::signal;
use crate::api::Api;
use crate::client::{Call, segment};
use crate::failure::Failure;
use crate::output::{Format, Table, note};
use crate::session::Session;

/// The most characters of a question in a table.
const QUESTION: usize = 80;

pub fn command() -> Command {
    let id = Arg::new("id")
        .value_name("ID")
        .required(true)
        .value_parser(|text: &str| text.parse::<ApprovalId>())
        .help("The id that the list shows");
    Command::new("approvals")
        .about("Lists the stages that wait for a person, and sends their signals")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("list").about("Lists the stages that wait, by deadline"))
        .subcommand(signal::payload(
            Command::new("answer").about("Sends its signal to a stage that waits").arg(id),
        ))
}

pub async fn execute(session: &Session, api: Api, matches: &ArgMatches) -> Result<(), Failure> {
    match matches.subcommand() {
        Some(("answer", matches)) => {
            let Some(id) = matches.get_one::<ApprovalId>("id") else {
                return Err(Failure::usage("`approvals answer` needs an id"));
            };
            let body =
                json!({ "payload": signal::payload_of(matches).await?, "actor": signal::actor_of(matches) });
            let call = Call::post(format!("/approvals/{}", segment(&id.to_string())), &body)?;
            signal::send(session, &api, call, &format!("{}  {}", id.run_id, id.stage_key), matches).await
        }
        Some(_) => list(session, &api).await,
        None => Err(Failure::usage("`approvals` needs a command")),
    }
}

async fn list(session: &Session, api: &Api) -> Result<(), Failure> {
    let items = api.all(Call::get("/approvals")).await?;
    let out = &session.out;
    match out.format {
        Format::Table => {
            let approvals: Vec<PendingApproval> = items.iter().map(Json::decode).collect::<Result<_, _>>()?;
            out.table(table(session, &approvals))?;
            if approvals.is_empty() {
                note("no stage waits for a signal");
            }
        }
        Format::Json => out.json(&PageView { items, next: None, searched_to: None })?,
        Format::Ndjson => items.iter().try_for_each(|approval| out.raw(approval.as_str()))?,
    }
    Ok(())
}

fn table(session: &Session, approvals: &[PendingApproval]) -> Table {
    let deadline = format!("DEADLINE ({})", session.out.zone.name());
    let mut table = Table::new(["ID", "WORKFLOW", &deadline, "QUESTION"]);
    for approval in approvals {
        table.row([
            approval.id.to_string(),
            approval.workflow_id.clone(),
            session.out.zone.show(approval.deadline),
            approval.question.as_str().chars().take(QUESTION).collect(),
        ]);
    }
    table
}
