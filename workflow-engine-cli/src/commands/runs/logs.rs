//! `runs logs`: the log lines of a run.

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use workflow_engine::Json;
use workflow_engine::records::LogRecord;

use crate::api::Api;
use crate::client::Call;
use crate::failure::Failure;
use crate::output::{Format, text};
use crate::session::Session;
use crate::values;

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
    let call = || {
        Call::get(format!("/runs/{run_id}/logs"))
            .maybe("stage", matches.get_one::<String>("stage"))
            .maybe("attempt", matches.get_one::<u32>("attempt"))
            .maybe("run_only", matches.get_flag("run-only").then_some(true))
            .maybe("level", matches.get_one::<String>("level").map(|level| level.to_ascii_uppercase()))
    };
    let mut last = 0;
    if let Some(&number) = matches.get_one::<u16>("tail") {
        let newest = newest(api, &call().query("newest_first", true), number.into()).await?;
        for json in newest.iter().rev() {
            last = print(session, json)?;
        }
    } else {
        let mut lines = api.lines(call()).await?;
        while let Some(json) = lines.next().await? {
            last = print(session, &json)?;
        }
    }
    if matches.get_flag("follow") {
        let mut lines = api.lines(call().query("follow", true).query("after_id", last)).await?;
        while let Some(json) = lines.next().await? {
            print(session, &json)?;
        }
    }
    Ok(())
}

/// Returns the newest lines, the newest first.
async fn newest(api: &Api, call: &Call, number: usize) -> Result<Vec<Json>, Failure> {
    let (mut lines, mut after) = (Vec::new(), None::<String>);
    while lines.len() < number {
        let page = api.page(call.clone(), after.as_deref(), number - lines.len()).await?;
        lines.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(lines)
}

/// Prints a line, and returns its number. A log has no end while it is followed, so JSON is a line each in both forms.
fn print(session: &Session, json: &Json) -> Result<u64, Failure> {
    let (out, line) = (&session.out, json.decode::<LogRecord>()?);
    if out.format != Format::Table {
        out.line(json.as_str())?;
        return Ok(line.id);
    }
    let fields = match line.fields.as_str() {
        "{}" | "null" => String::new(),
        fields => format!("  {}", text::line(fields)),
    };
    let (at, level) = (out.zone.show_time(line.at), line.level.as_str());
    let message = text::line(&line.message);
    let about = match (&line.stage_id, line.attempt) {
        (Some(stage_id), Some(attempt)) => format!("{stage_id}{}#{attempt}", line.place),
        _ => "run".to_owned(),
    };
    out.line(format!("{at}  {level:<5}  {about}  {message}{fields}"))?;
    Ok(line.id)
}
