//! `runs budget`: raises the budget of a run or of one of its stages.

use clap::{Arg, ArgMatches, Command};
use workflow_engine::{Cost, Status};

use super::selection::{self, Bulk, Selection};
use crate::api::Api;
use crate::failure::Failure;
use crate::session::Session;

pub fn command() -> Command {
    let command = Command::new("budget")
        .about("Raises the budget of a run or of a stage; stages that wait for it continue")
        .arg(
            Arg::new("to")
                .long("to")
                .value_name("AMOUNT")
                .required(true)
                .value_parser(|text: &str| text.parse::<Cost>())
                .help("The new budget, over all generations of the run: '2.50 USD'"),
        )
        .arg(Arg::new("stage").long("stage").value_name("STAGE").help("Only the budget of this stage"));
    selection::args(command)
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let stage = matches.get_one::<String>("stage").map(String::as_str);
    // clap requires it.
    let budget = *matches.get_one::<Cost>("to").expect("the option is required");
    let dry_run = matches.get_flag("dry-run");
    match Selection::of(matches)? {
        Selection::Many(filter) => {
            let bulk =
                Bulk { verb: "Raise the budget of", usual: &[Status::Pending, Status::Running], dry_run };
            let raise = |run_id| async move { api.raise_budget(run_id, stage, budget).await.map(|_| true) };
            bulk.execute(session, api, filter, raise).await
        }
        Selection::One(run_id) => {
            let resumed = if dry_run {
                let waits = |stage: &&workflow_engine_server::view::StageView| stage.awaited_cost.is_some();
                api.stages(run_id).await?.iter().filter(waits).count()
            } else {
                api.raise_budget(run_id, stage, budget).await?
            };
            if session.out.is_table() {
                let done = if dry_run { "would be" } else { "is" };
                session
                    .out
                    .line(format!("{run_id}  budget {done} {budget}, stages that continue: {resumed}"))?;
            } else {
                session.out.json(&serde_json::json!({ "resumed": resumed }))?;
            }
            Ok(())
        }
    }
}
