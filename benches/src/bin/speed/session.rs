//! A session: every measurement in turn, again and again, so that what disturbs the machine disturbs all of them.

use std::process::Stdio;
use std::time::Duration;

use serde::Serialize;
use tempfile::TempDir;
use tokio::process::Command;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::line::Line;
use crate::machine::{self, Machine};
use crate::place::{FILE, Kind, URL};
use crate::plan::{Task, Who, tasks};
use crate::server::Server;

/// Beyond this a measurement is ended.
const LONGEST: Duration = Duration::from_secs(900);

/// A session's figures.
#[derive(Debug, Serialize)]
pub struct Figures {
    pub machine: Machine,
    pub repeats: usize,
    pub medians: Vec<Line>,
    pub measurements: Vec<Line>,
    /// What could not be measured, and why.
    pub failures: Vec<String>,
}

/// Measures everything that is asked for.
pub async fn run(arguments: &Arguments) -> Outcome<Figures> {
    let folder = tempfile::Builder::new().prefix("speed-").tempdir_in(".")?;
    let mut server = if arguments.stores.contains(&Kind::Postgres) { Server::start().await? } else { None };
    let description = match &mut server {
        Some(server) => Some(server.description().await?),
        None => None,
    };
    let mut machine = Machine::look(folder.path(), description);
    let tasks = tasks(arguments, server.is_some())?;
    let (mut measurements, mut failures) = (Vec::new(), Vec::new());
    for repeat in 1..=arguments.repeats() {
        for task in tasks.iter().filter(|task| repeat <= task.repeats) {
            eprint!("{repeat}/{}: {} by {} on {} … ", task.repeats, task.work, task.who.name(), task.store);
            match measure(task, &folder, server.as_mut()).await {
                Ok(line) => {
                    eprintln!("{}", brief(&line));
                    measurements.push(line);
                }
                // The others are still worth having.
                Err(error) => {
                    eprintln!("{error}");
                    failures.push(format!("{} by {} on {}: {error}", task.work, task.who.name(), task.store));
                }
            }
        }
    }
    machine.load[1] = machine::load();
    let medians = medians(&measurements);
    Ok(Figures { machine, repeats: arguments.repeats(), medians, measurements, failures })
}

/// One measurement, in a process and a store of its own.
async fn measure(task: &Task, folder: &TempDir, server: Option<&mut Server>) -> Outcome<Line> {
    let files = tempfile::tempdir_in(folder.path())?;
    let mut command = match &task.who {
        Who::Other { program, .. } => Command::new(program),
        ours => {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["measure", ours.name()]);
            command
        }
    };
    command.args([task.work, task.store.name()]);
    // What one of the peers calls its number of connections.
    command.env("DUROXIDE_PG_POOL_MAX", "16");
    task.tuning.tell(&mut command);
    let Some(server) = server.filter(|_| task.store == Kind::Postgres) else {
        return ask(command.env(FILE, files.path().join("speed.db"))).await;
    };
    let database = server.create().await?;
    let line = ask(command.env(URL, &database.url)).await;
    server.remove(database).await?;
    line
}

/// What a measurement prints: the last line that is an object of JSON.
async fn ask(command: &mut Command) -> Outcome<Line> {
    let running = command.stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true).output();
    let output =
        tokio::time::timeout(LONGEST, running).await.map_err(|_| "a measurement takes too long")??;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().rev().find(|line| line.starts_with('{'));
    let line = line.ok_or_else(|| format!("a measurement ended without a figure: {}", output.status))?;
    Ok(serde_json::from_str(line)?)
}

/// The figures, for whoever looks on.
fn brief(line: &Line) -> String {
    let shown = line.figures.iter().map(|(name, figure)| format!("{name} {figure:.3}"));
    shown.collect::<Vec<_>>().join(", ")
}

/// The medians of all measurements of the same thing, in the order in which they were first made.
fn medians(measurements: &[Line]) -> Vec<Line> {
    let mut medians: Vec<Line> = Vec::new();
    for line in measurements {
        let is_same = |other: &Line| {
            (&line.who, &line.work, &line.store, &line.note)
                == (&other.who, &other.work, &other.store, &other.note)
        };
        if medians.iter().any(is_same) {
            continue;
        }
        let mut median = line.clone();
        for (name, figure) in &mut median.figures {
            let same = measurements.iter().filter(|other| is_same(other));
            let mut samples: Vec<f64> = same.filter_map(|other| other.figures.get(name).copied()).collect();
            samples.sort_by(f64::total_cmp);
            *figure = samples[samples.len() / 2];
        }
        medians.push(median);
    }
    medians
}
