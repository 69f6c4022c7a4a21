//! `runs wake`: checks a waiting stage now.

use clap::{Arg, ArgMatches, Command};
use workflow_engine::{RunId, Status};

use super::selection::{self, Bulk, Selection};
use crate::api::Api;
use crate::failure::{Exit, Failure};
use crate::session::Session;

pub fn command() -> Command {
    let command = Command::new("wake")
        .about("Checks what a waiting stage waits for now, and not at its next check")
        .arg(
            Arg::new("stage")
                .long("stage")
                .value_name("STAGE")
                .help("The stage; default every stage that waits"),
        );
    selection::args(command)
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let stage = matches.get_one::<String>("stage").map(String::as_str);
    let dry_run = matches.get_flag("dry-run");
    match Selection::of(matches)? {
        Selection::Many(filter) => {
            let bulk = Bulk { verb: "Wake", usual: &[Status::Running], dry_run };
            bulk.execute(session, api, filter, |run_id| async move {
                Ok(!wake(api, run_id, stage, false).await?.is_empty())
            })
            .await
        }
        Selection::One(run_id) => {
            let woken = wake(api, run_id, stage, dry_run).await?;
            if woken.is_empty() {
                let what = stage.map_or("no stage".to_owned(), |stage| {
                    format!("stage `{stage}` does not wait, so no stage")
                });
                return Err(Failure::new(Exit::Conflict, format!("{what} of run `{run_id}` was woken"))
                    .advice(format!("see which stages are SUSPENDED with `runs show {run_id}`")));
            }
            if session.out.is_table() {
                let done = if dry_run { "would be checked now" } else { "is checked now" };
                woken
                    .iter()
                    .try_for_each(|stage_id| session.out.line(format!("{run_id}  {stage_id} {done}")))?;
            } else {
                session.out.json(&serde_json::json!({ "woken": woken }))?;
            }
            Ok(())
        }
    }
}

/// Wakes the stage, or all that wait, and returns those that waited.
async fn wake(api: &Api, run_id: RunId, stage: Option<&str>, dry_run: bool) -> Result<Vec<String>, Failure> {
    let mut woken = Vec::new();
    let stages = api.stages(run_id).await?;
    let wanted: Vec<String> = match stage {
        Some(stage) => vec![stage.to_owned()],
        None => stages
            .iter()
            .filter(|stage| stage.status == Status::Suspended)
            .map(|stage| stage.key().to_string())
            .collect(),
    };
    for stage_id in wanted {
        let waits =
            || stages.iter().any(|stage| stage.key() == *stage_id && stage.status == Status::Suspended);
        let is_woken = if dry_run { waits() } else { api.wake(run_id, &stage_id).await? };
        if is_woken {
            woken.push(stage_id);
        }
    }
    Ok(woken)
}
