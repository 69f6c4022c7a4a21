//! `runs logs`: the log lines of a run.

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use futures_util::StreamExt;
use workflow_engine::records::LogRecord;
use workflow_engine::{LogFilter, LogLevel};

use crate::api::Api;
use crate::failure::Failure;
use crate::output::{Format, text};
use crate::session::Session;
use crate::values;

const PAGE: usize = 500;

pub fn command() -> Command {
    Command::new("logs")
        .about("Prints the log of a run, oldest line first")
        .arg(values::run_id())
        .arg(Arg::new("stage").long("stage").value_name("STAGE").help("Only lines of this stage"))
        .arg(
            Arg::new("attempt")
                .long("attempt")
                .value_name("NUMBER")
                .value_parser(value_parser!(u32))
                .help("Only lines of this attempt"),
        )
        .arg(
            Arg::new("run-only")
                .long("run-only")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["stage", "attempt"])
                .help("Only lines about the run as a whole"),
        )
        .arg(
            Arg::new("level")
                .long("level")
                .value_name("LEVEL")
                .value_parser(["debug", "info", "warn", "error"])
                .help("Only lines of this severity and higher"),
        )
        .arg(
            Arg::new("tail")
                .long("tail")
                .short('n')
                .value_name("NUMBER")
                .value_parser(value_parser!(u16).range(1..=1000))
                .help("Only the newest lines"),
        )
        .arg(
            Arg::new("follow")
                .long("follow")
                .short('f')
                .action(ArgAction::SetTrue)
                .help("Continue until the run ends"),
        )
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let run_id = values::the_run(matches);
    let filter = filter(matches);
    let mut last = 0;
    if let Some(&number) = matches.get_one::<u16>("tail") {
        let newest = filter.clone().newest_first();
        let page = api.log_page(run_id, &newest, None, usize::from(number)).await?;
        for line in page.items.iter().rev() {
            print(session, line)?;
            last = line.id;
        }
    } else {
        let mut after = None;
        loop {
            let page = api.log_page(run_id, &filter, after, PAGE).await?;
            for line in &page.items {
                print(session, line)?;
                last = line.id;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    if matches.get_flag("follow") {
        let mut lines = api.logs(run_id, last).await?;
        while let Some(line) = lines.next().await {
            let line = line?;
            if filter.admits(&line) {
                print(session, &line)?;
            }
        }
    }
    Ok(())
}

fn filter(matches: &ArgMatches) -> LogFilter {
    let mut filter = LogFilter::new();
    if let Some(stage_id) = matches.get_one::<String>("stage") {
        filter = filter.stage(stage_id);
    }
    if let Some(&attempt) = matches.get_one::<u32>("attempt") {
        filter = filter.attempt(attempt);
    }
    if matches.get_flag("run-only") {
        filter = filter.run_only();
    }
    match matches.get_one::<String>("level").map(String::as_str) {
        Some("debug") => filter.at_least(LogLevel::Debug),
        Some("info") => filter.at_least(LogLevel::Info),
        Some("warn") => filter.at_least(LogLevel::Warn),
        Some("error") => filter.at_least(LogLevel::Error),
        _ => filter,
    }
}

/// Prints a line. A log has no end while it is followed, so JSON is a line each in both forms.
fn print(session: &Session, line: &LogRecord) -> Result<(), Failure> {
    let out = &session.out;
    if out.format != Format::Table {
        return Ok(out.line(serde_json::to_string(line)?)?);
    }
    let fields = match line.fields.as_str() {
        "{}" | "null" => String::new(),
        fields => format!("  {}", text::line(fields)),
    };
    let (at, level) = (out.zone.show_time(line.at), line.level.as_str());
    let message = text::line(&line.message);
    let about = match (&line.stage_id, line.attempt) {
        (Some(stage_id), Some(attempt)) => format!("{stage_id}#{attempt}"),
        _ => "run".to_owned(),
    };
    Ok(out.line(format!("{at}  {level:<5}  {about}  {message}{fields}"))?)
}
