//! `runs list`: the runs that match, newest first.

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use workflow_engine::records::RunRecord;
use workflow_engine::{Cost, Cursor, Page, RunFilter};

use crate::api::Api;
use crate::failure::Failure;
use crate::output::{Format, Table, note, text};
use crate::run_filter;
use crate::session::Session;

/// The runs that one request reads while all of them are listed.
const PAGE: usize = 500;

pub fn command() -> Command {
    Command::new("list")
        .about("Lists runs, newest first")
        .args(run_filter::args())
        .arg(
            Arg::new("limit")
                .long("limit")
                .short('n')
                .value_name("NUMBER")
                .default_value("20")
                .value_parser(value_parser!(u16).range(1..=1000))
                .help("The most runs to list"),
        )
        .arg(
            Arg::new("after")
                .long("after")
                .value_name("CURSOR")
                .help("Continue after the page that ended with this cursor"),
        )
        .arg(
            Arg::new("all")
                .long("all")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["limit", "after"])
                .help("List all runs that match"),
        )
        .arg(Arg::new("count").long("count").action(ArgAction::SetTrue).help("Print only the number of runs"))
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let filter = run_filter::filter(matches)?;
    let out = &session.out;
    if matches.get_flag("count") {
        let count = api.count(&filter).await?;
        if out.is_table() {
            out.line(count.to_string())?;
        } else {
            out.json(&count)?;
        }
        return Ok(());
    }
    if matches.get_flag("all") {
        return all(session, api, &filter).await;
    }
    let after = matches.get_one::<String>("after").map(|text| cursor(text));
    let limit = usize::from(*matches.get_one::<u16>("limit").unwrap_or(&20));
    let page = search(api, &filter, after, limit).await?;
    match out.format {
        Format::Json => out.json(&page)?,
        Format::Ndjson => page.items.iter().try_for_each(|run| out.json(run))?,
        Format::Table => {
            out.table(table(session, &page.items))?;
            if page.items.is_empty() {
                note("no run matches");
            }
            if let Some(next) = page.next {
                note(format!("more runs follow: --after {next}, or --all"));
            }
        }
    }
    Ok(())
}

/// Reads until the page is full: a search stops after some time, whether or not it has found anything.
async fn search(
    api: &Api,
    filter: &RunFilter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page<RunRecord>, Failure> {
    let mut page = api.runs(filter, after, limit).await?;
    while page.items.len() < limit
        && let Some(next) = page.next.take()
    {
        let mut more = api.runs(filter, Some(next), limit - page.items.len()).await?;
        page.items.append(&mut more.items);
        (page.next, page.searched_to) = (more.next, more.searched_to);
    }
    Ok(page)
}

/// Prints all runs that match, page by page.
async fn all(session: &Session, api: &Api, filter: &RunFilter) -> Result<(), Failure> {
    let out = &session.out;
    let (mut after, mut runs) = (None, Vec::new());
    loop {
        let page = api.runs(filter, after, PAGE).await?;
        if out.format == Format::Ndjson {
            page.items.iter().try_for_each(|run| out.json(run))?;
        } else {
            runs.extend(page.items);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    match out.format {
        Format::Table => out.table(table(session, &runs))?,
        Format::Json => out.json(&serde_json::json!({ "items": runs }))?,
        Format::Ndjson => {}
    }
    Ok(())
}

fn cursor(text: &str) -> Cursor {
    // Every text is a cursor; the list refuses one of another list.
    match text.parse() {
        Ok(cursor) => cursor,
        Err(never) => match never {},
    }
}

/// Returns a table of runs.
pub fn table(session: &Session, runs: &[RunRecord]) -> Table {
    let zone = session.out.zone;
    let created = format!("CREATED ({})", zone.name());
    let mut table = Table::new(["RUN", "WORKFLOW", "STATUS", &created, "TOOK", "COST", "ERROR"]);
    for run in runs {
        table.row([
            run.id.to_string(),
            run.workflow_id.clone(),
            run.status.to_string(),
            zone.show(run.created_at),
            text::between(run.started_at, run.completed_at),
            cost(run.spending.cost),
            error(run),
        ]);
    }
    table
}

/// Returns an amount; nothing for none.
pub fn cost(cost: Cost) -> String {
    if cost == Cost::ZERO { String::new() } else { cost.to_string() }
}

/// Returns why a run failed or was cancelled.
fn error(run: &RunRecord) -> String {
    match (&run.error, &run.cancel_reason) {
        (Some(error), _) => format!("{}: {}", error.code, error.message),
        (None, Some(reason)) => reason.clone(),
        (None, None) => String::new(),
    }
}
