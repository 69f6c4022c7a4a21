//! `gc`: deletes runs that ended long ago.

use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use workflow_engine::kernel::PurgeRuns;
use workflow_engine::{Engine, RunId};

use crate::consent;
use crate::failure::Failure;
use crate::output::{Format, note};
use crate::session::Session;
use crate::values;

/// The runs that one command deletes.
const STEP: usize = 500;

pub fn command() -> Command {
    Command::new("gc")
        .about("Deletes runs that ended long ago, with everything that belongs to them")
        .arg(
            Arg::new("older-than")
                .long("older-than")
                .value_name("TIME")
                .required(true)
                .value_parser(values::duration)
                .help("Only runs that ended at least this long ago: 30d, 12h"),
        )
        .arg(
            Arg::new("limit")
                .long("limit")
                .value_name("NUMBER")
                .value_parser(value_parser!(usize))
                .help("The most runs to delete; default all"),
        )
        .arg(
            Arg::new("include-undelivered")
                .long("include-undelivered")
                .action(ArgAction::SetTrue)
                .help("Also runs with events that wait for delivery, for a plugin that was removed for good"),
        )
}

pub async fn execute(session: &Session, matches: &ArgMatches) -> Result<(), Failure> {
    session.needs_store("gc")?;
    let engine = session.open().await?;
    let outcome = delete(session, &engine, matches).await;
    engine.shutdown().await;
    outcome
}

async fn delete(session: &Session, engine: &Engine, matches: &ArgMatches) -> Result<(), Failure> {
    // clap requires it.
    let older_than = *matches.get_one::<Duration>("older-than").expect("the option is required");
    let mut left = matches.get_one::<usize>("limit").copied().unwrap_or(usize::MAX);
    let age = crate::output::text::duration(
        chrono::TimeDelta::from_std(older_than).unwrap_or(chrono::TimeDelta::MAX),
    );
    consent::ask(session, &format!("Delete the runs that ended at least {age} ago?")).await?;
    let mut deleted: Vec<RunId> = Vec::new();
    while left > 0 {
        let mut purge = PurgeRuns::older_than(older_than).limit(left.min(STEP));
        if matches.get_flag("include-undelivered") {
            purge = purge.include_undelivered();
        }
        let step = engine.purge(purge).await?;
        if step.is_empty() {
            break;
        }
        left -= step.len().min(left);
        deleted.extend(step);
    }
    let out = &session.out;
    match out.format {
        Format::Table => note(format!("{} runs are deleted", deleted.len())),
        Format::Json => out.json(&serde_json::json!({ "runs": deleted }))?,
        Format::Ndjson => deleted.iter().try_for_each(|run_id| out.json(run_id))?,
    }
    Ok(())
}
