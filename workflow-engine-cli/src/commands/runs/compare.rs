//! `runs compare`: two runs, stage by stage.

use std::collections::BTreeMap;

use clap::{Arg, ArgMatches, Command};
use serde::Serialize;
use serde_json::Value;
use workflow_engine::{Cost, Json, RunId, StageKey, Status};
use workflow_engine_server::view::{RunDetail, StageView};

use super::difference::{Difference, differences};
use super::list::cost;
use crate::api::Api;
use crate::failure::Failure;
use crate::output::{Table, text};
use crate::session::Session;
use crate::values;

/// The characters of a value that a table shows.
const SHOWN: usize = 60;

pub fn command() -> Command {
    let run = |name: &'static str| {
        Arg::new(name).value_name("RUN").required(true).value_parser(values::parse_run_id)
    };
    Command::new("compare")
        .about("Compares two runs: input, configuration, and each stage's time, attempts, cost and output")
        .arg(run("left").help("The id of the first run"))
        .arg(run("right").help("The id of the second run"))
}

/// The comparison of two runs.
#[derive(Debug, Serialize)]
struct Comparison {
    runs: [RunId; 2],
    workflows: [String; 2],
    statuses: [Status; 2],
    input: Vec<Difference>,
    config: Vec<Difference>,
    stages: Vec<StageComparison>,
}

/// The comparison of one stage; a side is `None` where the run does not have it.
#[derive(Debug, Serialize)]
struct StageComparison {
    stage_id: String,
    sides: [Option<Side>; 2],
    output: Vec<Difference>,
}

#[derive(Debug, Serialize)]
struct Side {
    status: Status,
    attempt: u32,
    duration_ms: Option<i64>,
    cost: Cost,
}

pub async fn execute(session: &Session, api: &Api, matches: &ArgMatches) -> Result<(), Failure> {
    // clap requires both.
    let ids =
        ["left", "right"].map(|name| *matches.get_one::<RunId>(name).expect("the argument is required"));
    let comparison = compare(api, ids).await?;
    if session.out.is_table() { show(session, &comparison) } else { Ok(session.out.json(&comparison)?) }
}

async fn compare(api: &Api, [left, right]: [RunId; 2]) -> Result<Comparison, Failure> {
    let ((_, a), (_, b)) = (api.details(left).await?, api.details(right).await?);
    let outputs = [outputs(api, &a).await?, outputs(api, &b).await?];
    let mut keys: Vec<StageKey> = a.stages.iter().map(StageView::key).collect();
    let more: Vec<StageKey> = b.stages.iter().map(StageView::key).filter(|key| !keys.contains(key)).collect();
    keys.extend(more);
    let stages = keys.iter().map(|key| stage(key, [&a, &b], &outputs)).collect::<Result<_, Failure>>()?;
    Ok(Comparison {
        runs: [left, right],
        input: json_differences(&api.payload(left, "input").await?, &api.payload(right, "input").await?)?,
        config: json_differences(&api.payload(left, "config").await?, &api.payload(right, "config").await?)?,
        stages,
        statuses: [a.run.status, b.run.status],
        workflows: [a.run.workflow_id, b.run.workflow_id],
    })
}

/// Returns the outputs of the completed stages.
async fn outputs(api: &Api, detail: &RunDetail) -> Result<BTreeMap<StageKey, Json>, Failure> {
    let mut outputs = BTreeMap::new();
    for stage in detail.stages.iter().filter(|stage| stage.has_output) {
        if let Some(output) = api.stage_output(detail.run.id, &stage.key().to_string()).await? {
            outputs.insert(stage.key(), output);
        }
    }
    Ok(outputs)
}

fn stage(
    key: &StageKey,
    runs: [&RunDetail; 2],
    outputs: &[BTreeMap<StageKey, Json>; 2],
) -> Result<StageComparison, Failure> {
    let side = |run: &RunDetail| run.stages.iter().find(|stage| stage.key() == *key).map(Side::of);
    let output = match (outputs[0].get(key), outputs[1].get(key)) {
        (Some(left), Some(right)) => json_differences(left, right)?,
        _ => Vec::new(),
    };
    Ok(StageComparison { stage_id: key.to_string(), sides: runs.map(side), output })
}

impl Side {
    fn of(stage: &StageView) -> Self {
        let duration = stage.started_at.zip(stage.completed_at).map(|(from, to)| to - from);
        Self {
            status: stage.status,
            attempt: stage.attempt,
            duration_ms: duration.map(|duration| duration.num_milliseconds()),
            cost: stage.costs.cost,
        }
    }
}

fn json_differences(left: &Json, right: &Json) -> Result<Vec<Difference>, Failure> {
    if left == right {
        return Ok(Vec::new());
    }
    Ok(differences(&left.decode::<Value>()?, &right.decode::<Value>()?))
}

fn show(session: &Session, comparison: &Comparison) -> Result<(), Failure> {
    let out = &session.out;
    let mut table = Table::new(["", "LEFT", "RIGHT"]);
    table.row(["run".to_owned(), comparison.runs[0].to_string(), comparison.runs[1].to_string()]);
    table.row(["workflow", &comparison.workflows[0], &comparison.workflows[1]]);
    table.row(["status", comparison.statuses[0].as_str(), comparison.statuses[1].as_str()]);
    for stage in &comparison.stages {
        let [left, right] = &stage.sides;
        table.row([stage.stage_id.clone(), side(left.as_ref()), side(right.as_ref())]);
    }
    out.table(table)?;
    let places = [("input", &comparison.input), ("config", &comparison.config)];
    let places = places.map(|(name, differences)| (name.to_owned(), differences));
    let stages =
        comparison.stages.iter().map(|stage| (format!("output of {}", stage.stage_id), &stage.output));
    for (name, differences) in places.into_iter().chain(stages) {
        if differences.is_empty() {
            continue;
        }
        out.line(format!("\n{name}:"))?;
        for Difference { pointer, left, right } in differences {
            out.line(format!("  {pointer}: {} → {}", value(left.as_ref()), value(right.as_ref())))?;
        }
    }
    Ok(())
}

fn side(side: Option<&Side>) -> String {
    let Some(side) = side else { return "–".to_owned() };
    let mut parts = vec![side.status.to_string()];
    parts.extend(side.duration_ms.map(|millis| text::duration(chrono::TimeDelta::milliseconds(millis))));
    if side.attempt > 1 {
        parts.push(format!("{} attempts", side.attempt));
    }
    if side.cost != Cost::ZERO {
        parts.push(cost(side.cost));
    }
    parts.join(", ")
}

fn value(value: Option<&Value>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    let text = text::line(&value.to_string());
    if text.chars().count() > SHOWN { text.chars().take(SHOWN).chain(['…']).collect() } else { text }
}
