//! `queue`: what waits for workers, by workflow.

use clap::Command;
use workflow_engine::records::{QueueCounts, QueueOverview};

use crate::api::Api;
use crate::client::Call;
use crate::failure::Failure;
use crate::output::{Table, note};
use crate::session::Session;

pub fn command() -> Command {
    Command::new("queue")
        .about("Shows what is ready, due later, held by workers, waiting and failed, by workflow")
}

pub async fn execute(session: &Session, api: Api) -> Result<(), Failure> {
    let json = api.get(Call::get("/queue")).await?;
    let out = &session.out;
    if !out.is_table() {
        return Ok(out.raw(json.as_str())?);
    }
    let queue: QueueOverview = json.decode()?;
    let since = format!("READY SINCE ({})", out.zone.name());
    let heads = ["WORKFLOW", "READY", "LATER", "HELD", "WAITING", "FAILED", &since];
    let mut table = (1..=5).fold(Table::new(heads), Table::number);
    let mut row = |name: &str, counts: &QueueCounts, since: String| {
        let QueueCounts { ready, scheduled, leased, waiting, dead, .. } = *counts;
        let numbers = [ready, scheduled, leased, waiting, dead].map(|number| number.to_string());
        table.row([name.to_owned()].into_iter().chain(numbers).chain([since]));
    };
    for workflow in &queue.workflows {
        let since = workflow.oldest_ready.map(|at| out.zone.show(at)).unwrap_or_default();
        row(&workflow.workflow_id, &workflow.counts, since);
    }
    row("all", &queue.total, String::new());
    out.table(table)?;
    if !queue.is_exact {
        note("of each kind, the first 10,000 are counted");
    }
    Ok(())
}
