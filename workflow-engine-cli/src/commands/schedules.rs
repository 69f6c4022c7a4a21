//! `schedules`: what starts runs by a clock.

use chrono::{DateTime, Utc};
use clap::{Arg, ArgAction, ArgMatches, Command};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use workflow_engine::kernel::BackfilledTick;
use workflow_engine::{Json, RunId, Schedule, ScheduleInfo};
use workflow_engine_server::PageView;

use crate::api::Api;
use crate::client::{Call, segment};
use crate::failure::Failure;
use crate::output::{Format, Table, note};
use crate::session::Session;
use crate::values;

pub fn command() -> Command {
    let id = || Arg::new("id").value_name("ID").required(true).help("The id of the schedule");
    let instant = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("INSTANT")
            .required(true)
            .value_parser(values::instant)
            .help(help)
    };
    let schedule = Arg::new("schedule")
        .value_name("JSON")
        .required(true)
        .help("The schedule: JSON, @file, or - for standard input");
    let reason = Arg::new("reason").long("reason").value_name("TEXT").help("Why, for people");
    let key =
        Arg::new("key").long("key").value_name("KEY").help("An idempotency key: the same key starts one run");
    let preview = Arg::new("preview").long("preview").action(ArgAction::SetTrue).help("Only shows the ticks");
    Command::new("schedules")
        .about("Shows and steers what starts runs by a clock")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(Command::new("list").about("Lists the schedules by id"))
        .subcommand(Command::new("show").about("Shows a schedule with its next five ticks").arg(id()))
        .subcommand(Command::new("put").about("Creates a schedule, or changes it").arg(schedule))
        .subcommand(Command::new("delete").about("Deletes a schedule; its runs stay").arg(id()))
        .subcommand(Command::new("pause").about("Pauses a schedule").arg(id()).arg(reason))
        .subcommand(Command::new("resume").about("Resumes a schedule from its next tick on").arg(id()))
        .subcommand(Command::new("trigger").about("Starts a run of a schedule now").arg(id()).arg(key))
        .subcommand(
            Command::new("backfill")
                .about("Starts a run for each tick between two instants that has none")
                .arg(id())
                .arg(instant("from", "The first instant"))
                .arg(instant("to", "The last instant, at most now"))
                .arg(preview),
        )
}

pub async fn execute(session: &Session, api: Api, matches: &ArgMatches) -> Result<(), Failure> {
    let Some((name, matches)) = matches.subcommand() else {
        return Err(Failure::usage("`schedules` needs a command"));
    };
    // clap requires the id of the commands that have one.
    let id = matches.try_get_one::<String>("id").ok().flatten().map_or("", String::as_str);
    let path = format!("/schedules/{}", segment(id));
    match name {
        "list" => list(session, &api).await,
        "show" => show(session, &api, path).await,
        "put" => put(session, &api, matches).await,
        "backfill" => backfill(session, &api, &path, matches).await,
        "trigger" => trigger(session, &api, &path, matches).await,
        "pause" => {
            let body = json!({ "reason": matches.get_one::<String>("reason") });
            let call = Call::post(format!("{path}/pause"), &body)?;
            act(session, &api, call, id, ["paused", "was paused already"]).await
        }
        "resume" => {
            let call = Call::post(format!("{path}/resume"), &json!({}))?;
            act(session, &api, call, id, ["resumed", "was not paused"]).await
        }
        _ => {
            let call = Call { method: Method::DELETE, ..Call::get(path) };
            act(session, &api, call, id, ["deleted", "does not exist"]).await
        }
    }
}

async fn list(session: &Session, api: &Api) -> Result<(), Failure> {
    let items = api.all(Call::get("/schedules")).await?;
    let out = &session.out;
    match out.format {
        Format::Table => {
            let schedules: Vec<ScheduleInfo> = items.iter().map(Json::decode).collect::<Result<_, _>>()?;
            out.table(table(session, &schedules))?;
            if schedules.is_empty() {
                note("there are no schedules");
            }
        }
        Format::Json => out.json(&PageView { items, next: None, searched_to: None })?,
        Format::Ndjson => items.iter().try_for_each(|schedule| out.raw(schedule.as_str()))?,
    }
    Ok(())
}

fn table(session: &Session, schedules: &[ScheduleInfo]) -> Table {
    let next = format!("NEXT ({})", session.out.zone.name());
    let mut table = Table::new(["ID", "WORKFLOW", "WHEN", "STATUS", &next, "LAST RUN"]);
    for info in schedules {
        table.row([
            info.schedule.id.clone(),
            info.schedule.workflow_id.clone(),
            when(&info.schedule),
            status(info),
            info.next.first().map(|next| session.out.zone.show(*next)).unwrap_or_default(),
            info.state.last.as_ref().map(|last| last.run_id.to_string()).unwrap_or_default(),
        ]);
    }
    table
}

async fn show(session: &Session, api: &Api, path: String) -> Result<(), Failure> {
    let json = api.get(Call::get(path)).await?;
    let out = &session.out;
    if !out.is_table() {
        return Ok(out.raw(json.as_str())?);
    }
    let info: ScheduleInfo = json.decode()?;
    let zone = &out.zone;
    out.line(format!("{}  {}  {}", info.schedule.id, info.schedule.workflow_id, when(&info.schedule)))?;
    out.line(format!("status    {}", status(&info)))?;
    if let Some(reason) = &info.reason {
        out.line(format!("reason    {reason}"))?;
    }
    for tick in &info.next {
        out.line(format!("next      {}  ({})", zone.show(*tick), zone.name()))?;
    }
    if let Some(last) = &info.state.last {
        out.line(format!("last      {}  {}", zone.show(last.scheduled_for), last.run_id))?;
    }
    Ok(())
}

/// Returns when a schedule ticks.
fn when(schedule: &Schedule) -> String {
    match (&schedule.cron, schedule.every) {
        (Some(pattern), _) => format!("{pattern} {}", schedule.zone.as_deref().unwrap_or("UTC")),
        (None, period) => format!("every {:?}", period.unwrap_or_default()),
    }
}

fn status(info: &ScheduleInfo) -> String {
    let status = serde_json::to_value(info.status).ok();
    status.and_then(|status| status.as_str().map(str::to_lowercase)).unwrap_or_default()
}

async fn put(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let text = matches.get_one::<String>("schedule").map_or("", String::as_str);
    let schedule = values::json("JSON", text).await?;
    let named: Named =
        schedule.decode().map_err(|error| Failure::usage(format!("the schedule has no `id`: {error}")))?;
    let call = Call::post(format!("/schedules/{}", segment(&named.id)), &schedule)?;
    let json = api.post(Call { method: Method::PUT, ..call }).await?;
    if !session.out.is_table() {
        return Ok(session.out.raw(json.as_str())?);
    }
    Ok(session.out.line(format!("{}  {}", named.id, json.decode::<Put>()?.outcome))?)
}

/// The id of a schedule.
#[derive(Deserialize)]
struct Named {
    id: String,
}

/// The answer to a schedule that was put.
#[derive(Deserialize)]
struct Put {
    outcome: String,
}

/// Sends a request whose answer has one flag, and says what it means.
async fn act(
    session: &Session,
    api: &Api,
    call: Call,
    id: &str,
    [done, undone]: [&str; 2],
) -> Result<(), Failure> {
    let json = api.post(call).await?;
    if !session.out.is_table() {
        return Ok(session.out.raw(json.as_str())?);
    }
    let flags: std::collections::BTreeMap<String, bool> = json.decode()?;
    let is_done = flags.into_values().all(|flag| flag);
    Ok(session.out.line(format!("{id}  {}", if is_done { done } else { undone }))?)
}

async fn trigger(session: &Session, api: &Api, path: &str, matches: &ArgMatches) -> Result<(), Failure> {
    let call = Call::post(format!("{path}/trigger"), &json!({}))?;
    let call = match matches.get_one::<String>("key") {
        Some(key) => call.header("idempotency-key", key),
        None => call,
    };
    let json = api.post(call).await?;
    if !session.out.is_table() {
        return Ok(session.out.raw(json.as_str())?);
    }
    Ok(session.out.line(json.decode::<Triggered>()?.run_id.to_string())?)
}

/// The answer to a trigger.
#[derive(Deserialize)]
struct Triggered {
    run_id: RunId,
}

async fn backfill(session: &Session, api: &Api, path: &str, matches: &ArgMatches) -> Result<(), Failure> {
    let instants = Instants { from: matches.get_one("from").copied(), to: matches.get_one("to").copied() };
    let preview = matches.get_flag("preview").then_some(true);
    let call = Call::post(format!("{path}/backfill"), &instants)?.maybe("preview", preview);
    let json = api.post(call).await?;
    let out = &session.out;
    if !out.is_table() {
        return Ok(out.raw(json.as_str())?);
    }
    let ticks = json.decode::<Backfilled>()?.ticks;
    let mut table = Table::new([&format!("TICK ({})", out.zone.name()), "RUN", ""]);
    for tick in &ticks {
        let what = match (tick.is_new, preview) {
            (false, _) => "has a run",
            (true, Some(_)) => "would start",
            (true, None) => "started",
        };
        let run = tick.run_id.map(|run_id| run_id.to_string()).unwrap_or_default();
        table.row([out.zone.show(tick.scheduled_for), run, what.to_owned()]);
    }
    out.table(table)?;
    if ticks.is_empty() {
        note("the schedule has no tick between these instants");
    }
    Ok(())
}

/// The instants of a backfill.
#[derive(Serialize)]
struct Instants {
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

/// The answer to a backfill.
#[derive(Deserialize)]
struct Backfilled {
    ticks: Vec<BackfilledTick>,
}
