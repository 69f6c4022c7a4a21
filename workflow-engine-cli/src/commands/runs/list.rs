//! `runs list`: the runs that match, newest first.

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde::de::DeserializeOwned;
use workflow_engine::{Cost, Json, RunCount, RunFilter};
use workflow_engine_server::PageView;
use workflow_engine_server::view::{ListedRun, RunView};

use crate::api::{self, Api};
use crate::client::Call;
use crate::failure::Failure;
use crate::output::{Format, Table, note, text};
use crate::run_filter;
use crate::session::Session;

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
        .arg(
            Arg::new("most-expensive")
                .long("most-expensive")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["after", "all", "count"])
                .help("List the runs whose model calls have cost the most, at most 200; of the conditions, only `--since` can be combined with it"),
        )
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let filter = run_filter::filter(matches)?;
    let out = &session.out;
    if matches.get_flag("count") {
        let count = api.get(api::runs("/runs/count", &filter)).await?;
        return if out.is_table() {
            Ok(out.line(count.decode::<RunCount>()?.to_string())?)
        } else {
            Ok(out.raw(count.as_str())?)
        };
    }
    if matches.get_flag("all") {
        return all(session, api, &filter).await;
    }
    let after = matches.get_one::<String>("after").cloned();
    let limit = usize::from(*matches.get_one::<u16>("limit").unwrap_or(&20));
    let page = if matches.get_flag("most-expensive") {
        most_expensive(session, api, &filter, limit).await?
    } else {
        search(api, &api::runs("/runs", &filter), after, limit).await?
    };
    match out.format {
        Format::Json => out.json(&page)?,
        Format::Ndjson => page.items.iter().try_for_each(|run| out.raw(run.as_str()))?,
        Format::Table => {
            out.table(table(session, &read(&page.items)?))?;
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

/// Reads the runs that have cost the most.
async fn most_expensive(
    session: &Session,
    api: &Api,
    filter: &RunFilter,
    limit: usize,
) -> Result<PageView<Json>, Failure> {
    let mut since = RunFilter::new();
    since.created_since = filter.created_since;
    if *filter != since {
        return Err(Failure::usage("`--most-expensive` takes no condition but `--since`"));
    }
    if limit > api::PAGE {
        return Err(Failure::usage(format!("`--most-expensive` lists at most {} runs", api::PAGE)));
    }
    let call = api::runs("/runs/most-expensive", filter).query("limit", limit);
    let page: PageView<Json> = api.get(call).await?.decode()?;
    if let Some(at) = page.searched_to {
        let zone = session.out.zone;
        note(format!("runs before {} ({}) were not searched", zone.show(at), zone.name()));
    }
    Ok(page)
}

/// Reads until the page is full: a search stops after some time, whether or not it has found anything.
async fn search(
    api: &Api,
    call: &Call,
    after: Option<String>,
    limit: usize,
) -> Result<PageView<Json>, Failure> {
    let mut page = api.page(call.clone(), after.as_deref(), limit).await?;
    while page.items.len() < limit
        && let Some(next) = page.next.take()
    {
        let mut more = api.page(call.clone(), Some(&next), limit - page.items.len()).await?;
        page.items.append(&mut more.items);
        (page.next, page.searched_to) = (more.next, more.searched_to);
    }
    Ok(page)
}

/// Prints all runs that match, page by page.
async fn all(session: &Session, api: &Api, filter: &RunFilter) -> Result<(), Failure> {
    let out = &session.out;
    let call = api::runs("/runs", filter);
    let (mut after, mut runs) = (None::<String>, Vec::new());
    loop {
        let page = api.page(call.clone(), after.as_deref(), api::PAGE).await?;
        if out.format == Format::Ndjson {
            page.items.iter().try_for_each(|run| out.raw(run.as_str()))?;
        } else {
            runs.extend(page.items);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    match out.format {
        Format::Table => out.table(table(session, &read(&runs)?))?,
        Format::Json => out.json(&PageView { items: runs, next: None, searched_to: None })?,
        Format::Ndjson => {}
    }
    Ok(())
}

/// Reads items of a list.
///
/// # Errors
/// When the API is another version's.
pub fn read<T: DeserializeOwned>(items: &[Json]) -> Result<Vec<T>, Failure> {
    Ok(items.iter().map(Json::decode).collect::<Result<_, _>>()?)
}

/// Returns a table of runs.
pub fn table(session: &Session, runs: &[ListedRun]) -> Table {
    let zone = session.out.zone;
    let created = format!("CREATED ({})", zone.name());
    let heads = ["RUN", "WORKFLOW", "STATUS", "STAGES", &created, "TOOK", "COST", "ERROR"];
    let mut table = Table::new(heads).status(2);
    for ListedRun { run, progress, .. } in runs {
        table.row([
            run.id.to_string(),
            run.workflow_id.clone(),
            run.status.to_string(),
            progress.map(|progress| progress.to_string()).unwrap_or_default(),
            zone.show(run.created_at),
            text::between(run.started_at, run.completed_at),
            cost(run.costs.cost),
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
fn error(run: &RunView) -> String {
    match (&run.error, &run.cancel_reason) {
        (Some(error), _) => format!("{}: {}", error.code, error.message),
        (None, Some(reason)) => reason.clone(),
        (None, None) => String::new(),
    }
}
