//! `runs events`: the events of a run.

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use futures_util::StreamExt;
use workflow_engine::records::Event;

use crate::api::Api;
use crate::failure::Failure;
use crate::output::{Format, text};
use crate::session::Session;
use crate::values;

const PAGE: usize = 500;

pub fn command() -> Command {
    Command::new("events")
        .about("Prints the events of a run, oldest first")
        .arg(values::run_id())
        .arg(
            Arg::new("after")
                .long("after")
                .value_name("SEQUENCE")
                .default_value("0")
                .value_parser(value_parser!(u64))
                .help("Only events after the one with this number"),
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
    let first = *matches.get_one::<u64>("after").unwrap_or(&0);
    if matches.get_flag("follow") {
        let mut events = api.events(run_id, first).await?;
        while let Some(event) = events.next().await {
            print(session, &event?)?;
        }
        return Ok(());
    }
    let mut after = None;
    loop {
        let page = api.event_page(run_id, after, PAGE).await?;
        for event in page.items.iter().filter(|event| event.sequence > first) {
            print(session, event)?;
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Prints an event; JSON is a line each in both forms.
fn print(session: &Session, event: &Event) -> Result<(), Failure> {
    let out = &session.out;
    let json = serde_json::to_string(event)?;
    if out.format != Format::Table {
        return Ok(out.line(json)?);
    }
    let value: serde_json::Value = serde_json::from_str(&json)?;
    let fields: Vec<String> = value["data"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| format!("{key}={}", value.as_str().map_or_else(|| value.to_string(), text::line)))
        .collect();
    let at = out.zone.show_time(event.at);
    Ok(out.line(
        format!("{:>5}  {at}  {:<18}  {}", event.sequence, event.kind.name(), fields.join(" ")).trim_end(),
    )?)
}
