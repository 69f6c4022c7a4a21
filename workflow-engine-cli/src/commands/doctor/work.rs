//! Checks of the runs: work that no worker takes, leases of lost workers, budgets.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt;
use workflow_engine::records::{RunRecord, Status};
use workflow_engine::{Engine, Error, ErrorCode, RunFilter};

use super::finding::Finding;
use crate::output::text;

/// The runs that the check of leases reads.
const EXAMINED: usize = 500;

/// Checks whether workers take what is due.
pub async fn check(engine: &Engine, now: DateTime<Utc>, patience: TimeDelta) -> Result<Vec<Finding>, Error> {
    let leases = Leases::read(engine, now, patience).await?;
    let mut findings = untaken(engine, &leases, now, patience).await?;
    findings.push(leases.finding());
    findings.push(budgets(engine).await?);
    Ok(findings)
}

/// The leases of the newest runs.
#[derive(Default)]
struct Leases {
    valid: usize,
    /// The workers whose leases have ended without being renewed, with their stages.
    lost: BTreeMap<String, usize>,
}

impl Leases {
    async fn read(engine: &Engine, now: DateTime<Utc>, patience: TimeDelta) -> Result<Self, Error> {
        let mut leases = Self::default();
        let running = engine.runs(&RunFilter::new().status(Status::Running)).limit(EXAMINED).await?;
        for run in running {
            let Some(snapshot) = engine.kernel().store().snapshot(run.id).await? else { continue };
            for job in snapshot.jobs {
                let (Some(worker), Some(until)) = (job.worker_id, job.leased_until) else { continue };
                if job.status != Status::Running || until > now {
                    leases.valid += usize::from(job.status == Status::Running);
                } else if until + patience < now {
                    *leases.lost.entry(worker).or_default() += 1;
                }
            }
        }
        Ok(leases)
    }

    fn finding(&self) -> Finding {
        if self.lost.is_empty() {
            return Finding::ok("leases", format!("{} in use", self.valid));
        }
        let stages: usize = self.lost.values().sum();
        let workers: Vec<&str> = self.lost.keys().map(String::as_str).collect();
        Finding::problem(
            "leases",
            format!("{stages} stages of lost workers wait to be taken over: {}", workers.join(", ")),
            "start a worker of the same program: it takes them over at once",
        )
    }
}

/// Finds due work that no worker has taken, by definition.
async fn untaken(
    engine: &Engine,
    leases: &Leases,
    now: DateTime<Utc>,
    patience: TimeDelta,
) -> Result<Vec<Finding>, Error> {
    // This process has no workflows, so each run with due work and without a lease is blocked for this reason.
    let blocked = RunFilter::new().unfinished().blocked_reason(ErrorCode::WorkflowNotFound.as_str());
    let blocked: Vec<RunRecord> = engine.runs(&blocked).stream().try_collect().await?;
    let is_late = |run: &&RunRecord| run.started_at.unwrap_or(run.created_at) + patience < now;
    let mut late: BTreeMap<(String, String), Vec<DateTime<Utc>>> = BTreeMap::new();
    for run in blocked.iter().filter(is_late) {
        let key = (run.workflow_id.clone(), run.definition_fingerprint.clone());
        late.entry(key).or_default().push(run.created_at);
    }
    let versions = engine.versions().await?;
    let unfinished: u64 = versions.iter().map(|version| version.pending + version.running).sum();
    if late.is_empty() {
        let found = format!("{unfinished} unfinished runs");
        return Ok(vec![Finding::ok("workers", found), Finding::ok("definitions", "every due run is taken")]);
    }
    let mut findings = Vec::new();
    let runs: usize = late.values().map(Vec::len).sum();
    if leases.valid == 0 {
        let found = format!("no worker holds a lease, and {runs} runs have due work");
        let advice =
            "start a worker: the program's command `worker`; its log says if it cannot reach the store";
        findings.push(Finding::problem("workers", found, advice));
    } else {
        findings.push(Finding::ok("workers", format!("{} leases in use", leases.valid)));
    }
    let untaken = late.iter().map(|((workflow_id, fingerprint), created)| {
        let version = versions.iter().find(|version| version.definition.fingerprint == *fingerprint);
        let version = version.map_or(0, |version| version.definition.version);
        let oldest = created.iter().min().map(|oldest| text::duration(now - *oldest)).unwrap_or_default();
        format!("{} of `{workflow_id}` version {version}, the oldest for {oldest}", created.len())
    });
    findings.push(Finding::problem(
        "definitions",
        format!("runs that no worker has taken: {}", untaken.collect::<Vec<_>>().join("; ")),
        "start a worker that has this workflow in this definition, or declare it compatible (`register_compatible`); `workflows list` shows the definitions",
    ));
    Ok(findings)
}

async fn budgets(engine: &Engine) -> Result<Finding, Error> {
    let waiting = RunFilter::new().unfinished().blocked_reason(ErrorCode::BudgetExceeded.as_str());
    let waiting = engine.runs(&waiting).limit(100).await?;
    let Some(first) = waiting.items.first() else {
        return Ok(Finding::ok("budgets", "no run waits for its budget"));
    };
    let more = if waiting.next.is_some() { "+" } else { "" };
    Ok(Finding::problem(
        "budgets",
        format!("{}{more} runs wait for their budget", waiting.items.len()),
        format!(
            "raise it: `runs budget {} --to AMOUNT`, or cancel them: `runs list --blocked budget_exceeded`",
            first.id
        ),
    ))
}
