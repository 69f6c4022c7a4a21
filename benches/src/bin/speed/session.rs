//! Runs all measurements in turn, several times, so that disturbances of the machine affect all of them.

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

/// The time limit of one measurement.
const LONGEST: Duration = Duration::from_secs(900);

/// A session's figures.
#[derive(Debug, Serialize)]
pub struct Figures {
    pub machine: Machine,
    pub repeats: usize,
    pub medians: Vec<Line>,
    pub measurements: Vec<Line>,
    /// The failed measurements, with reasons.
    pub failures: Vec<String>,
}

/// Makes all requested measurements.
pub async fn run(arguments: &Arguments) -> Outcome<Figures> {
    let folder = tempfile::Builder::new().prefix("speed-").tempdir_in(".")?;
    let mut server = if arguments.stores.contains(&Kind::Postgres) { Server::start().await? } else { None };
    let description = match &mut server {
        Some(server) => Some(server.description().await?),
        None => None,
    };
    let mut machine = Machine::read(folder.path(), description);
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
                // The other measurements are still useful.
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

/// Makes one measurement, in its own process and store.
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
    command.args([&task.work, task.store.name()]);
    // One of the peers reads its number of connections from this variable.
    command.env("DUROXIDE_PG_POOL_MAX", "16");
    task.tuning.apply_to(&mut command);
    let Some(server) = server.filter(|_| task.store == Kind::Postgres) else {
        return read_line_of(command.env(FILE, files.path().join("speed.db"))).await;
    };
    let database = server.create().await?;
    let line = read_line_of(command.env(URL, &database.url)).await;
    server.remove(database).await?;
    line
}

/// Runs a measurement and reads its result: the last line that is a JSON object.
async fn read_line_of(command: &mut Command) -> Outcome<Line> {
    let running = command.stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true).output();
    let output = tokio::time::timeout(LONGEST, running)
        .await
        .map_err(|_| "a measurement exceeded its time limit")??;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().rev().find(|line| line.starts_with('{'));
    let line = line.ok_or_else(|| format!("a measurement ended without a result: {}", output.status))?;
    Ok(serde_json::from_str(line)?)
}

/// Returns the figures as text for the progress display.
fn brief(line: &Line) -> String {
    let shown = line.figures.iter().map(|(name, figure)| format!("{name} {figure:.3}"));
    shown.collect::<Vec<_>>().join(", ")
}

/// Returns the medians over equal measurements, in the order in which they were first made.
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
