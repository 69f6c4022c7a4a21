//! `runs watch`: the progress of a run to its end.

use clap::{ArgMatches, Command};

use crate::api::Api;
use crate::failure::Failure;
use crate::progress;
use crate::session::Session;
use crate::values;

pub fn command() -> Command {
    Command::new("watch")
        .about("Shows the progress of a run until it ends; the exit code says how")
        .arg(values::run_id())
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let run_id = values::the_run(matches);
    let run = progress::follow(api, run_id).await?;
    if session.out.is_table() {
        session.out.line(run.status.as_str())?;
    } else {
        session.out.raw(api.details(run_id).await?.0.as_str())?;
    }
    progress::outcome(&run)
}
