//! `workflows list`: every definition in the store, with its unfinished runs.

use clap::Command;
use workflow_engine_server::view::WorkflowView;

use crate::api::Api;
use crate::failure::Failure;
use crate::output::{Format, Table};
use crate::session::Session;

pub fn command() -> Command {
    Command::new("list").about("Lists the definitions in the store, with their unfinished runs")
}

pub async fn execute(session: &Session, api: &Api) -> Result<(), Failure> {
    let ((json, workflows), out) = (api.workflows().await?, &session.out);
    match out.format {
        Format::Json => out.raw(json.as_str())?,
        Format::Ndjson => workflows.iter().try_for_each(|workflow| out.json(workflow))?,
        Format::Table => out.table(table(session, &workflows))?,
    }
    Ok(())
}

fn table(session: &Session, workflows: &[WorkflowView]) -> Table {
    let zone = session.out.zone;
    let seen = format!("FIRST SEEN ({})", zone.name());
    let mut table = Table::new([
        "WORKFLOW",
        "VERSION",
        "PENDING",
        "RUNNING",
        "WORKERS",
        &seen,
        "OLDEST RUN",
        "FINGERPRINT",
    ])
    .number(1)
    .number(2)
    .number(3)
    .number(4);
    for (id, version) in
        workflows.iter().flat_map(|workflow| workflow.versions.iter().map(|version| (&workflow.id, version)))
    {
        let more = if version.is_exact { "" } else { "+" };
        table.row([
            id.clone(),
            version.version.to_string(),
            format!("{}{more}", version.pending),
            format!("{}{more}", version.running),
            version.workers.len().to_string(),
            zone.show(version.first_seen_at),
            version.oldest.map(|at| zone.show(at)).unwrap_or_default(),
            version.fingerprint.clone(),
        ]);
    }
    table
}
