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
use crate::server::Server;
use crate::tuning::Tuning;

/// Beyond this a measurement is ended.
const LONGEST: Duration = Duration::from_secs(900);

/// A session's figures.
#[derive(Debug, Serialize)]
pub struct Figures {
    pub machine: Machine,
    pub repeats: usize,
    pub medians: Vec<Line>,
    pub measurements: Vec<Line>,
}

/// What is measured.
struct Task {
    who: String,
    work: String,
    store: Kind,
    tuning: Tuning,
}

pub async fn run(arguments: &Arguments) -> Outcome<Figures> {
    let folder = tempfile::Builder::new().prefix("speed-").tempdir_in(".")?;
    let mut server = if arguments.stores.contains(&Kind::Postgres) { Server::start().await? } else { None };
    let description = match &mut server {
        Some(server) => Some(server.description().await?),
        None => None,
    };
    let mut machine = Machine::look(folder.path(), description);
    let tasks = tasks(arguments, server.is_some());
    let mut measurements = Vec::new();
    for repeat in 1..=arguments.repeats() {
        for task in &tasks {
            eprint!("{repeat}/{}: {} by {} on {} … ", arguments.repeats(), task.work, task.who, task.store);
            let line = measure(task, &folder, server.as_mut()).await?;
            eprintln!("{}", brief(&line));
            measurements.push(line);
        }
    }
    machine.load[1] = machine::load();
    let medians = medians(&measurements);
    Ok(Figures { machine, repeats: arguments.repeats(), medians, measurements })
}

fn tasks(arguments: &Arguments, has_server: bool) -> Vec<Task> {
    let mut tasks = Vec::new();
    for work in ["w1", "w2", "w3"].into_iter().filter(|work| arguments.wants(work)) {
        for &store in arguments.stores.iter().filter(|store| has_server || **store == Kind::Sqlite) {
            let (who, work) = ("engine".to_owned(), work.to_owned());
            tasks.push(Task { who, work, store, tuning: arguments.tuning });
        }
    }
    tasks
}

/// One measurement, in a process and a store of its own.
async fn measure(task: &Task, folder: &TempDir, server: Option<&mut Server>) -> Outcome<Line> {
    let files = tempfile::tempdir_in(folder.path())?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["measure", &task.who, &task.work, task.store.name()]);
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

/// The most telling figures, for whoever looks on.
fn brief(line: &Line) -> String {
    let shown = ["runs_per_s", "p50_ms", "p99_ms"];
    let shown = shown.iter().filter_map(|name| Some((name, line.figures.get(*name)?)));
    shown.map(|(name, figure)| format!("{name} {figure:.2}")).collect::<Vec<_>>().join(", ")
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
