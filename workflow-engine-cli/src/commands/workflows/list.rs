//! `workflows list`: every definition in the store, with its unfinished runs.

use clap::Command;
use serde_json::json;
use workflow_engine::WorkflowVersion;

use crate::api::Api;
use crate::failure::Failure;
use crate::output::{Format, Table};
use crate::session::Session;

pub fn command() -> Command {
    Command::new("list").about("Lists the definitions in the store, with their unfinished runs")
}

pub async fn execute(session: &Session, api: &Api) -> Result<(), Failure> {
    let (versions, out) = (api.versions().await?, &session.out);
    let items: Vec<_> = versions.iter().map(item).collect();
    match out.format {
        Format::Json => out.json(&json!({ "items": items }))?,
        Format::Ndjson => items.iter().try_for_each(|item| out.json(item))?,
        Format::Table => out.table(table(session, &versions))?,
    }
    Ok(())
}

fn item(version: &WorkflowVersion) -> serde_json::Value {
    json!({
        "workflow_id": version.definition.workflow_id,
        "version": version.definition.version,
        "fingerprint": version.definition.fingerprint,
        "workers": version.workers.iter().map(|status| &status.worker.id).collect::<Vec<_>>(),
        "first_seen_at": version.definition.first_seen_at,
        "pending": version.pending,
        "running": version.running,
        "is_exact": version.is_exact,
        "oldest": version.oldest,
    })
}

fn table(session: &Session, versions: &[WorkflowVersion]) -> Table {
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
    for version in versions {
        let more = if version.is_exact { "" } else { "+" };
        table.row([
            version.definition.workflow_id.clone(),
            version.definition.version.to_string(),
            format!("{}{more}", version.pending),
            format!("{}{more}", version.running),
            version.workers.len().to_string(),
            zone.show(version.definition.first_seen_at),
            version.oldest.map(|at| zone.show(at)).unwrap_or_default(),
            version.definition.fingerprint.clone(),
        ]);
    }
    table
}
