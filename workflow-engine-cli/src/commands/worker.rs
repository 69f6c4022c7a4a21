//! `worker`: executes runs until a signal stops it.

use std::time::Duration;

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::failure::{Exit, Failure};
use crate::output::note;
use crate::session::Session;
use crate::values;

pub fn command() -> Command {
    let duration = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("TIME").value_parser(values::duration).help(help)
    };
    Command::new("worker")
        .about("Executes runs until SIGTERM or Ctrl-C; then it drains")
        .arg(
            Arg::new("concurrency")
                .long("concurrency")
                .value_name("NUMBER")
                .value_parser(value_parser!(usize))
                .help("How many stages run at the same time"),
        )
        .arg(
            Arg::new("worker-id")
                .long("worker-id")
                .value_name("NAME")
                .help("The worker's name in leases and logs"),
        )
        .arg(duration("lease", "How long a claim lasts without renewal"))
        .arg(duration("drain-timeout", "How long running stages may take after the signal"))
        .arg(duration("retention", "Delete runs that ended at least this long ago"))
}

pub async fn execute(session: &Session, matches: &ArgMatches) -> Result<(), Failure> {
    session.needs_store("worker")?;
    let mut builder = session.builder()?;
    if let Some(&concurrency) = matches.get_one::<usize>("concurrency") {
        builder = builder.concurrency(concurrency);
    }
    if let Some(worker_id) = matches.get_one::<String>("worker-id") {
        builder = builder.worker_id(worker_id);
    }
    let time = |name: &str| matches.get_one::<Duration>(name).copied();
    if let Some(lease) = time("lease") {
        builder = builder.lease(lease);
    }
    if let Some(timeout) = time("drain-timeout") {
        builder = builder.drain_timeout(timeout);
    }
    if let Some(retention) = time("retention") {
        builder = builder.retention(retention);
    }
    let engine = builder.shutdown_on_signals().build().await?;
    note("the worker is ready; stop it with Ctrl-C");
    engine.wait_for_shutdown().await;
    let report = engine.shutdown().await;
    let left = report.unreturned.iter().chain(&report.blocked);
    let left: Vec<String> = left.map(|job| format!("`{}` of run `{}`", job.stage_key, job.run_id)).collect();
    if left.is_empty() {
        return Ok(());
    }
    let message = format!("these stages did not end or return in time: {}", left.join(", "));
    Err(Failure::new(Exit::Unavailable, message)
        .advice("another worker takes them when their leases have expired; see `--drain-timeout`"))
}
