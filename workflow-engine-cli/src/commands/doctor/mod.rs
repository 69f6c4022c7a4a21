//! `doctor`: checks the store and its runs, and says what to do.

mod finding;
mod opening;
mod store;
mod events;
mod schedules;
mod work;

use std::time::Duration;

use clap::{Arg, ArgMatches, Command};
use workflow_engine::{Engine, Error};

use crate::failure::{Exit, Failure};
use crate::options;
use crate::output::{Format, Table, note, text};
use crate::session::Session;
use crate::values;

use finding::Finding;

pub fn command() -> Command {
    Command::new("doctor")
        .about("Checks the store and its runs, and says what to do; exit code 1 if it finds a problem")
        .arg(
            Arg::new("patience")
                .long("patience")
                .value_name("TIME")
                .default_value("60s")
                .value_parser(values::duration)
                .help("How long work, events or transactions may wait before they are a problem"),
        )
}

pub async fn execute(session: &Session, matches: &ArgMatches) -> Result<(), Failure> {
    let patience = matches.get_one::<Duration>("patience").copied().unwrap_or_default();
    let patience = chrono::TimeDelta::from_std(patience).unwrap_or(chrono::TimeDelta::MAX);
    session.needs_store("doctor")?;
    let database = session.database()?;
    // Without workflows: what a worker can take is judged by the leases in the store, and not by this program.
    let opened = Engine::builder(options::existing(&database, false)?).without_worker().build().await;
    let findings = match opened {
        Ok(engine) => {
            let findings = examine(&engine, patience).await;
            engine.shutdown().await;
            findings?
        }
        Err(error) => vec![opening::finding(&error).ok_or(error)?],
    };
    print(session, &findings)?;
    if findings.iter().any(|finding| !finding.is_ok()) {
        Err(Failure::silent(Exit::RunFailed))
    } else {
        Ok(())
    }
}

/// Makes all checks, those that explain others first.
async fn examine(engine: &Engine, patience: chrono::TimeDelta) -> Result<Vec<Finding>, Error> {
    let condition = engine.store_condition().await?;
    let mut findings = vec![Finding::ok("schema", "it is that of this version")];
    findings.extend(store::check(&condition, patience));
    findings.extend(work::check(engine, condition.now, patience).await?);
    findings.push(schedules::check(engine).await?);
    findings.extend(events::check(engine, &condition, patience).await?);
    Ok(findings)
}

fn print(session: &Session, findings: &[Finding]) -> Result<(), Failure> {
    let out = &session.out;
    match out.format {
        Format::Json => out.json(&serde_json::json!({ "items": findings }))?,
        Format::Ndjson => findings.iter().try_for_each(|finding| out.json(finding))?,
        Format::Table => {
            let mut table = Table::new(["CHECK", "STATE", "FOUND"]).status(1);
            for finding in findings {
                let state = if finding.is_ok() { "ok" } else { "PROBLEM" };
                table.row([finding.check, state, &finding.found]);
            }
            out.table(table)?;
            for finding in findings {
                if let Some(advice) = &finding.advice {
                    note(format!("{}: {}", finding.check, text::line(advice)));
                }
            }
        }
    }
    Ok(())
}
