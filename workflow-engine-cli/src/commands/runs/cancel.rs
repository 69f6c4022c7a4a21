//! `runs cancel`: cancels one run or many.

use clap::{Arg, ArgMatches, Command};
use workflow_engine::Status;

use super::selection::{self, Bulk, Selection};
use crate::api::Api;
use crate::failure::{Exit, Failure};
use crate::session::Session;

pub fn command() -> Command {
    let command = Command::new("cancel").about("Cancels a run, or all runs that match").arg(
        Arg::new("reason")
            .long("reason")
            .value_name("TEXT")
            .default_value("cancelled on the command line")
            .help("Why; stored with the run"),
    );
    selection::args(command)
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let reason = matches.get_one::<String>("reason").map_or("", String::as_str);
    let dry_run = matches.get_flag("dry-run");
    match Selection::of(matches)? {
        Selection::Many(filter) => {
            let bulk = Bulk { verb: "Cancel", usual: &[Status::Pending, Status::Running], dry_run };
            bulk.execute(session, api, filter, |run_id| api.cancel(run_id, reason)).await
        }
        Selection::One(run_id) => {
            let run = api.run(run_id).await?;
            let is_open = !run.status.is_terminal();
            let cancelled = if dry_run { is_open } else { api.cancel(run_id, reason).await? };
            if !cancelled {
                let message = format!("run `{run_id}` has ended already: {}", api.run(run_id).await?.status);
                return Err(Failure::new(Exit::Conflict, message));
            }
            if session.out.is_table() {
                let done = if dry_run { "would be cancelled" } else { "cancelled" };
                session.out.line(format!("{run_id}  {done}"))?;
            } else {
                session.out.json(&serde_json::json!({ "cancelled": cancelled }))?;
            }
            Ok(())
        }
    }
}
