//! `runs show`: one run with its stages and children, and why it stands still or failed.

use clap::{Arg, ArgAction, ArgMatches, Command};
use workflow_engine_server::view::{RunDetail, RunView, StageView};

use super::list::{self, cost};
use crate::api::Api;
use crate::client::Call;
use crate::failure::Failure;
use crate::output::{Table, note, text};
use crate::session::Session;
use crate::values;

/// The most children that are shown.
const SHOWN_CHILDREN: usize = 20;

pub fn command() -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    Command::new("show")
        .about("Shows a run: its stages, and why it stands still or failed")
        .arg(values::run_id())
        .arg(flag("input", "Print only the input, as it is stored"))
        .arg(flag("config", "Print only the configuration").conflicts_with("input"))
        .arg(flag("metadata", "Print only the metadata").conflicts_with_all(["input", "config"]))
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    let (run_id, out) = (values::the_run(matches), &session.out);
    for name in ["input", "config", "metadata"] {
        if matches.get_flag(name) {
            return Ok(out.line(api.payload(run_id, name).await?.as_str())?);
        }
    }
    let (json, details) = api.details(run_id).await?;
    if !out.is_table() {
        return Ok(out.raw(json.as_str())?);
    }
    out.table(head(session, &details))?;
    if !details.stages.is_empty() {
        out.line("")?;
        out.table(stages(session, &details))?;
    }
    let path = format!("/runs/{run_id}/children");
    let children = api.page(Call::get(path), None, SHOWN_CHILDREN).await?;
    if !children.items.is_empty() {
        out.line("")?;
        out.table(list::table(session, &list::read(&children.items)?))?;
        if children.next.is_some() {
            note(format!("it has started more runs: runs list --parent {run_id}"));
        }
    }
    Ok(())
}

fn head(session: &Session, details: &RunDetail) -> Table {
    let RunDetail { run, tags, blocked_reason, .. } = details;
    let zone = session.out.zone;
    let time = |at| format!("{} ({})", zone.show(at), zone.name());
    let mut table = Table::new(Vec::<String>::new()).status(1);
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("run", run.id.to_string());
    row("workflow", run.workflow_id.clone());
    row("status", run.status.to_string());
    if let Some(blocked) = blocked_reason {
        row("stands still", format!("{} ({})", blocked.message, blocked.code));
    }
    if let Some(error) = &run.error {
        row("error", format!("{}: {}", error.code, error.message));
    }
    if let Some(reason) = &run.cancel_reason {
        row("reason", reason.clone());
    }
    if let Some(parent) = &run.parent {
        let waits = if parent.is_awaited { ", which waits for it" } else { "" };
        row("parent", format!("{}, stage {}{waits}", parent.run_id, parent.stage_key));
    }
    if !tags.is_empty() {
        let tags: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        row("tags", tags.join(" "));
    }
    row("created", time(run.created_at));
    if let Some(at) = run.started_at {
        row("started", time(at));
    }
    if let Some(at) = run.completed_at {
        row("ended", time(at));
        row("took", text::between(run.started_at, run.completed_at));
    }
    if run.generation > 1 {
        row("generation", run.generation.to_string());
    }
    if let Some(spending) = spending(run) {
        row("cost", spending);
    }
    row("definition", run.definition.clone());
    table
}

fn spending(run: &RunView) -> Option<String> {
    let spending = &run.costs;
    let is_empty =
        spending.cost == workflow_engine::Cost::ZERO && spending.budget.is_none() && spending.tokens == 0;
    (!is_empty).then(|| {
        let budget = spending.budget.map(|budget| format!(" of {budget}")).unwrap_or_default();
        format!("{}{budget}, {} tokens, {} reserved", spending.cost, spending.tokens, spending.reserved)
    })
}

fn stages(session: &Session, details: &RunDetail) -> Table {
    let zone = session.out.zone;
    let started = format!("STARTED ({})", zone.name());
    let mut table =
        Table::new(["STAGE", "STATUS", "ATTEMPT", &started, "TOOK", "COST", "ERROR"]).status(1).number(2);
    for stage in &details.stages {
        table.row([
            stage.key().to_string(),
            stage.status.to_string(),
            stage.attempt.to_string(),
            stage.started_at.map(|at| zone.show(at)).unwrap_or_default(),
            text::between(stage.started_at, stage.completed_at),
            cost(stage.costs.cost),
            problem(stage),
        ]);
    }
    table
}

/// Returns why a stage has failed, or what its `match` or `catch` has decided.
fn problem(stage: &StageView) -> String {
    match (&stage.error, stage.arm, &stage.failure) {
        (Some(error), ..) => error.clone(),
        (None, Some(arm), _) => format!("took arm {arm}"),
        (None, None, Some(failure)) => format!("caught a failure of {}", failure.stage_id),
        (None, None, None) => String::new(),
    }
}
