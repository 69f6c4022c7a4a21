//! `dead-letters`: events that a plugin has refused in every attempt.

use clap::{Arg, ArgMatches, Command, value_parser};
use workflow_engine::records::DeadLetter;
use workflow_engine::{Json, RunId};
use workflow_engine_server::PageView;

use crate::api::Api;
use crate::client::Call;
use crate::failure::Failure;
use crate::output::{Format, Table, note};
use crate::session::Session;

pub fn command() -> Command {
    let plugin = || {
        Arg::new("plugin").long("plugin").value_name("NAME").help("Only those of this plugin, or of `sink`")
    };
    Command::new("dead-letters")
        .about("Lists and replays events that a plugin has refused in every attempt")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("list").about("Lists dead letters by plugin, oldest first").arg(plugin()))
        .subcommand(
            Command::new("replay")
                .about("Delivers dead letters again, with all their retries")
                .arg(plugin())
                .arg(
                    Arg::new("run")
                        .long("run")
                        .value_name("ID")
                        .value_parser(value_parser!(RunId))
                        .help("Only those of this run"),
                )
                .arg(
                    Arg::new("event")
                        .long("event")
                        .value_name("NUMBER")
                        .requires("run")
                        .value_parser(value_parser!(u64))
                        .help("Only those of the run's event with this number"),
                )
                .arg(
                    Arg::new("limit")
                        .long("limit")
                        .value_name("NUMBER")
                        .default_value("1000")
                        .value_parser(value_parser!(u16).range(1..=1000))
                        .help("The most dead letters to replay"),
                ),
        )
}

pub async fn execute(session: &Session, api: Api, matches: &ArgMatches) -> Result<(), Failure> {
    let Some((name, matches)) = matches.subcommand() else {
        return Err(Failure::usage("`dead-letters` needs a command"));
    };
    let plugin = matches.get_one::<String>("plugin").map(String::as_str);
    if name == "list" {
        return list(session, &api, plugin).await;
    }
    let limit = *matches.get_one::<u16>("limit").unwrap_or(&1_000);
    let run_id = matches.get_one::<RunId>("run");
    let sequence = matches.get_one::<u64>("event");
    let body =
        serde_json::json!({ "plugin": plugin, "run_id": run_id, "sequence": sequence, "limit": limit });
    let json = api.post(Call::post("/dead-letters/replay", &body)?).await?;
    if session.out.is_table() {
        let replayed = json.decode::<Replayed>()?.replayed;
        note(format!("{replayed} dead letters are delivered again as soon as a process has their plugin"));
    } else {
        session.out.raw(json.as_str())?;
    }
    Ok(())
}

async fn list(session: &Session, api: &Api, plugin: Option<&str>) -> Result<(), Failure> {
    let items = api.all(Call::get("/dead-letters").maybe("plugin", plugin)).await?;
    let out = &session.out;
    match out.format {
        Format::Table => {
            let letters: Vec<DeadLetter> = items.iter().map(Json::decode).collect::<Result<_, _>>()?;
            out.table(table(session, &letters))?;
            if letters.is_empty() {
                note("there are no dead letters");
            }
        }
        Format::Json => out.json(&PageView { items, next: None, searched_to: None })?,
        Format::Ndjson => items.iter().try_for_each(|letter| out.raw(letter.as_str()))?,
    }
    Ok(())
}

/// The answer to a replay.
#[derive(serde::Deserialize)]
struct Replayed {
    replayed: usize,
}

fn table(session: &Session, letters: &[DeadLetter]) -> Table {
    let at = format!("AT ({})", session.out.zone.name());
    let mut table = Table::new(["PLUGIN", &at, "RUN", "EVENT", "TRIES", "ERROR"]).number(4);
    for letter in letters {
        table.row([
            letter.plugin.clone(),
            session.out.zone.show(letter.at),
            letter.event.run_id.to_string(),
            format!("{} {}", letter.event.sequence, letter.event.kind.name()),
            letter.attempts.to_string(),
            letter.error.clone(),
        ]);
    }
    table
}
