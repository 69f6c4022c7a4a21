//! `actions`: who did what to runs.

use clap::{Arg, ArgMatches, Command, value_parser};
use workflow_engine::records::ActionRecord;

use crate::api::{Api, PAGE};
use crate::client::Call;
use crate::failure::Failure;
use crate::output::{Format, Table, note, text};
use crate::session::Session;

pub fn command() -> Command {
    Command::new("actions")
        .about("Lists who cancelled, reran, forked or woke runs, or raised budgets, newest first")
        .arg(
            Arg::new("limit")
                .long("limit")
                .short('n')
                .value_name("NUMBER")
                .default_value("20")
                .value_parser(value_parser!(u8).range(1..=200))
                .help("The most actions to list"),
        )
        .arg(
            Arg::new("after")
                .long("after")
                .value_name("CURSOR")
                .help("Continue after the page that ended with this cursor"),
        )
}

pub async fn execute(session: &Session, api: Api, matches: &ArgMatches) -> Result<(), Failure> {
    let limit = usize::from(*matches.get_one::<u8>("limit").unwrap_or(&20));
    let after = matches.get_one::<String>("after").map(String::as_str);
    let page = api.page(Call::get("/actions"), after, limit.min(PAGE)).await?;
    let out = &session.out;
    match out.format {
        Format::Json => out.json(&page)?,
        Format::Ndjson => page.items.iter().try_for_each(|action| out.raw(action.as_str()))?,
        Format::Table => {
            let actions: Vec<ActionRecord> =
                page.items.iter().map(workflow_engine::Json::decode).collect::<Result<_, _>>()?;
            out.table(table(session, &actions))?;
            if actions.is_empty() {
                note("no run was acted on");
            }
            if let Some(next) = page.next {
                note(format!("more actions follow: --after {next}"));
            }
        }
    }
    Ok(())
}

fn table(session: &Session, actions: &[ActionRecord]) -> Table {
    let at = format!("AT ({})", session.out.zone.name());
    let mut table = Table::new([&at, "WHO", "VIA", "ACTION", "RUN", "DETAILS"]);
    for action in actions {
        let by = action.by.as_ref();
        table.row([
            session.out.zone.show(action.at),
            by.map(|by| by.name.clone()).unwrap_or_default(),
            by.and_then(|by| by.via.clone()).unwrap_or_default(),
            action.action.clone(),
            action.run_id.to_string(),
            text::line(action.details.as_str()),
        ]);
    }
    table
}
