//! `runs events`: the events of a run.

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use workflow_engine::Json;
use workflow_engine::records::Event;

use crate::api::Api;
use crate::client::Call;
use crate::failure::Failure;
use crate::output::{Format, text};
use crate::session::Session;
use crate::values;

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
        let mut events = api.events(run_id, first);
        while let Some((json, event)) = events.next().await? {
            print(session, &json, &event)?;
        }
        return Ok(());
    }
    let call = Call::get(format!("/runs/{run_id}/events")).query("after_sequence", first);
    let mut lines = api.lines(call).await?;
    while let Some(json) = lines.next().await? {
        print(session, &json, &json.decode()?)?;
    }
    Ok(())
}

/// Prints an event; JSON is a line each in both forms.
fn print(session: &Session, json: &Json, event: &Event) -> Result<(), Failure> {
    let out = &session.out;
    if out.format != Format::Table {
        return Ok(out.line(json.as_str())?);
    }
    let value: serde_json::Value = json.decode()?;
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
