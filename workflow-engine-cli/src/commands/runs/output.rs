//! `runs output`: the output of a run, of a stage, or an artifact, as it is stored.

use clap::{Arg, ArgAction, ArgMatches, Command};
use workflow_engine::Status;

use crate::api::Api;
use crate::failure::{Exit, Failure};
use crate::progress;
use crate::session::Session;
use crate::values;

pub fn command() -> Command {
    Command::new("output")
        .about("Prints the output of a run or of a stage, as it is stored")
        .arg(values::run_id())
        .arg(Arg::new("stage").long("stage").value_name("STAGE").help("The output of this stage"))
        .arg(
            Arg::new("artifact")
                .long("artifact")
                .value_name("KEY")
                .requires("stage")
                .help("The artifact of the stage with this key"),
        )
        .arg(Arg::new("wait").long("wait").action(ArgAction::SetTrue).help("Wait until the run has ended"))
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let run_id = values::the_run(matches);
    if matches.get_flag("wait") {
        progress::follow(api, run_id).await?;
    }
    let json = if let Some(stage_id) = matches.get_one::<String>("stage") {
        let missing = |what: String| Failure::new(Exit::NotFound, what);
        match matches.get_one::<String>("artifact") {
            Some(key) => api.artifact(run_id, stage_id, key).await?.ok_or_else(|| {
                missing(format!("stage `{stage_id}` of run `{run_id}` has no artifact `{key}`"))
            })?,
            None => api.stage_output(run_id, stage_id).await?.ok_or_else(|| {
                missing(format!("stage `{stage_id}` of run `{run_id}` has no output"))
                    .advice(format!("see the stages and their states with `runs show {run_id}`"))
            })?,
        }
    } else {
        let run = api.run(run_id).await?;
        if !run.status.is_terminal() {
            let message = format!("run `{run_id}` is {} and has no output yet", run.status);
            return Err(Failure::new(Exit::Conflict, message).advice("wait for it with `--wait`"));
        }
        progress::outcome(&run)?;
        debug_assert_eq!(run.status, Status::Completed, "the other terminal states are failures");
        api.payload(run_id, "output").await?
    };
    Ok(session.out.line(json.as_str())?)
}
