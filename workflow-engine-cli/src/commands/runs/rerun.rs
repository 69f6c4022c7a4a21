//! `runs rerun`: runs part of a run again, in place, as its next generation.

use clap::{Arg, ArgMatches, Command};
use workflow_engine::{RunId, Status};

use super::selection::{self, Bulk, Selection};
use crate::api::{Api, Rerun};
use crate::failure::{Exit, Failure};
use crate::session::Session;

pub fn command() -> Command {
    let command =
        Command::new("rerun").about("Runs a stage and all after it again; earlier outputs are kept").arg(
            Arg::new("from")
                .long("from")
                .value_name("STAGE")
                .help("The stage; default the first that has not completed"),
        );
    selection::args(command)
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let from = matches.get_one::<String>("from").map(String::as_str);
    let dry_run = matches.get_flag("dry-run");
    match Selection::of(matches)? {
        Selection::Many(filter) => {
            let bulk = Bulk { verb: "Rerun", usual: &[Status::Failed], dry_run };
            bulk.execute(session, api, filter, |run_id| rerun(api, run_id, from)).await
        }
        Selection::One(run_id) => {
            let from = match from {
                Some(from) => from.to_owned(),
                None => api.first_open_stage(run_id).await?.ok_or_else(|| {
                    Failure::new(Exit::Conflict, format!("run `{run_id}` has no stage that is not completed"))
                        .advice("name the stage to begin with: `--from STAGE`")
                })?,
            };
            let json = api.rerun(run_id, &from, dry_run).await?;
            if session.out.is_table() {
                let plan: Rerun = json.decode()?;
                let done = if dry_run { "would run again" } else { "runs again" };
                session.out.line(format!(
                    "{run_id}  generation {} {done}: {}",
                    plan.generation,
                    plan.stages.join(", ")
                ))?;
            } else {
                session.out.raw(json.as_str())?;
            }
            Ok(())
        }
    }
}

/// Reruns one run of many; `false` where nothing is to be done.
async fn rerun(api: &Api, run_id: RunId, from: Option<&str>) -> Result<bool, Failure> {
    let from = match from {
        Some(from) => from.to_owned(),
        None => match api.first_open_stage(run_id).await? {
            Some(from) => from,
            None => return Ok(false),
        },
    };
    api.rerun(run_id, &from, false).await.map(|_| true)
}
