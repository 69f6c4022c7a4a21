//! `migrate`: brings the schema of the store up to date.

use clap::{Arg, ArgAction, ArgMatches, Command};
use workflow_engine::{Engine, Error};

use crate::failure::Failure;
use crate::output::note;
use crate::session::Session;

pub fn command() -> Command {
    Command::new("migrate")
        .about("Creates the store's tables, or brings them up to date")
        .long_about("Creates the store's tables, or brings them up to date. A worker does so itself when it starts; run this first where workers may not change tables.")
        .arg(
            Arg::new("check")
                .long("check")
                .action(ArgAction::SetTrue)
                .help("Only check: exit code 4 if something is to be done"),
        )
}

pub async fn execute(session: &Session, matches: &ArgMatches) -> Result<(), Failure> {
    session.needs_store("migrate")?;
    if matches.get_flag("check") {
        session.open().await?.shutdown().await;
        note("the schema is up to date");
        return Ok(());
    }
    let built: Result<Engine, Error> = Engine::builder(session.database()?).without_worker().build().await;
    built?.shutdown().await;
    note("the schema is up to date");
    Ok(())
}
