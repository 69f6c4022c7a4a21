//! `dead-letters`: events that a plugin has refused in every attempt.

use clap::{Arg, ArgMatches, Command, value_parser};
use workflow_engine::records::DeadLetter;

use crate::api::Api;
use crate::failure::Failure;
use crate::output::{Format, Table, note};
use crate::session::Session;

const PAGE: usize = 500;

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
                    Arg::new("limit")
                        .long("limit")
                        .value_name("NUMBER")
                        .default_value("1000")
                        .value_parser(value_parser!(usize))
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
    let limit = *matches.get_one::<usize>("limit").unwrap_or(&1_000);
    let replayed = api.replay(plugin, limit).await?;
    if session.out.is_table() {
        note(format!("{replayed} dead letters are delivered again as soon as a process has their plugin"));
    } else {
        session.out.json(&serde_json::json!({ "replayed": replayed }))?;
    }
    Ok(())
}

async fn list(session: &Session, api: &Api, plugin: Option<&str>) -> Result<(), Failure> {
    let (mut letters, mut after) = (Vec::new(), None);
    loop {
        let page = api.dead_letters(plugin, after, PAGE).await?;
        letters.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let out = &session.out;
    match out.format {
        Format::Json => out.json(&serde_json::json!({ "items": letters }))?,
        Format::Ndjson => letters.iter().try_for_each(|letter| out.json(letter))?,
        Format::Table => {
            out.table(table(session, &letters))?;
            if letters.is_empty() {
                note("there are no dead letters");
            }
        }
    }
    Ok(())
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
