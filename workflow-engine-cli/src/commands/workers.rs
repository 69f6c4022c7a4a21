//! `workers`: the workers of all processes.

use clap::Command;
use workflow_engine::{Json, WorkerStatus};
use workflow_engine_server::PageView;

use crate::api::Api;
use crate::client::Call;
use crate::failure::Failure;
use crate::output::{Format, Table, note};
use crate::session::Session;

pub fn command() -> Command {
    Command::new("workers").about("Lists the workers of all processes, newest first, and what they hold")
}

pub async fn execute(session: &Session, api: Api) -> Result<(), Failure> {
    let items = api.all(Call::get("/workers")).await?;
    let out = &session.out;
    match out.format {
        Format::Table => {
            let workers: Vec<WorkerStatus> = items.iter().map(Json::decode).collect::<Result<_, _>>()?;
            out.table(table(session, &workers))?;
            if workers.is_empty() {
                note("no worker has started on this store");
            }
        }
        Format::Json => out.json(&PageView { items, next: None, searched_to: None })?,
        Format::Ndjson => items.iter().try_for_each(|worker| out.raw(worker.as_str()))?,
    }
    Ok(())
}

fn table(session: &Session, workers: &[WorkerStatus]) -> Table {
    let zone = session.out.zone;
    let (started, until) = (format!("STARTED ({})", zone.name()), format!("LEASES UNTIL ({})", zone.name()));
    let heads = ["WORKER", "NUMBER", "HOST", "STATE", "VERSION", "BODIES", &started, "HOLDS", &until];
    let mut table = Table::new(heads).number(1).number(5).number(7);
    for status in workers {
        let state = serde_json::to_value(status.state).ok();
        let state = state.as_ref().and_then(|name| name.as_str()).unwrap_or_default().to_ascii_lowercase();
        let worker = &status.worker;
        table.row([
            worker.id.clone(),
            worker.number.to_string(),
            worker.host.clone(),
            state,
            worker.version.clone(),
            worker.concurrency.to_string(),
            zone.show(worker.started_at),
            status.leases.to_string(),
            status.leased_until.map(|at| zone.show(at)).unwrap_or_default(),
        ]);
    }
    table
}
