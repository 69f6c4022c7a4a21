//! The invariants of the rows of one run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::rows::{CommitRow, Entry, EventRow, JobRow, OutlineStage, Rows, RunRow, StageRow};
use super::{Invariant, Violation};

/// Returns what breaks the invariants in the rows of one run.
pub(super) fn check(run: &RunRow, rows: &Rows) -> Vec<Violation> {
    let commits = rows.commits(run);
    let mut checks = Checks {
        run,
        entries: run.entries(),
        outline: rows.outline(run),
        stage_rows: rows.stages(run).iter().map(|row| (row.stage_id.as_str(), row)).collect(),
        jobs: rows.jobs(run).iter().map(|row| (row.stage_id.as_str(), row)).collect(),
        events: generation(commits),
        violations: Vec::new(),
    };
    checks.one_place();
    checks.owner();
    checks.lease();
    checks.epoch();
    checks.sequence(commits);
    checks.never_renewed();
    checks.outline();
    checks.end();
    checks.counters(rows.definition(run));
    checks.violations
}

/// Returns the events of the newest generation.
fn generation(commits: &[CommitRow]) -> Vec<EventRow> {
    let events: Vec<_> = commits.iter().flat_map(CommitRow::events).collect();
    let start = events.iter().rposition(|event| event.event_type == "workflow:started").unwrap_or(0);
    events.into_iter().skip(start).collect()
}

struct Checks<'a> {
    run: &'a RunRow,
    entries: BTreeMap<String, Entry>,
    outline: Option<Vec<OutlineStage>>,
    stage_rows: BTreeMap<&'a str, &'a StageRow>,
    jobs: BTreeMap<&'a str, &'a JobRow>,
    /// The events of the newest generation.
    events: Vec<EventRow>,
    violations: Vec<Violation>,
}

/// A stage with or without a row.
struct Stage {
    id: String,
    status: String,
    waiting_on: i64,
}

impl Checks<'_> {
    fn expect(&mut self, invariant: Invariant, holds: bool, text: impl FnOnce() -> String) {
        if !holds {
            let text = format!("run {} ({}): {}", self.run.id, self.run.status, text());
            self.violations.push(Violation { invariant, text });
        }
    }

    /// Returns all stages of the run.
    fn stages(&self) -> Vec<Stage> {
        let stored = self.stage_rows.values().map(|row| Stage {
            id: row.stage_id.clone(),
            status: row.status.clone(),
            waiting_on: row.waiting_on,
        });
        let outline = self.outline.iter().flatten();
        let implicit = outline.filter(|(id, _)| !self.stage_rows.contains_key(id.as_str()));
        let implicit = implicit.map(|(id, waiting_on)| {
            let (status, waiting_on) = match self.entries.get(id) {
                None => ("PENDING", *waiting_on),
                Some(Entry::Waiting { remaining }) => ("PENDING", *remaining),
                Some(Entry::Held { .. }) => ("RUNNING", 0),
            };
            Stage { id: id.clone(), status: status.to_owned(), waiting_on }
        });
        stored.chain(implicit).collect()
    }

    fn held(&self) -> impl Iterator<Item = (&String, i64, i64)> {
        self.entries.iter().filter_map(|(id, entry)| match entry {
            Entry::Held { since, length } => Some((id, *since, *length)),
            Entry::Waiting { .. } => None,
        })
    }

    fn one_place(&mut self) {
        use Invariant::OnePlace;
        let held: BTreeSet<String> = self.held().map(|(id, ..)| id.clone()).collect();
        let live = |status: &str| matches!(status, "PENDING" | "RUNNING" | "SUSPENDED");
        let jobs: BTreeMap<String, String> = self
            .jobs
            .values()
            .filter(|job| live(&job.status))
            .map(|job| (job.stage_id.clone(), job.status.clone()))
            .collect();
        let count = self.run.entry_count();
        self.expect(OnePlace, count == self.entries.len(), || "`held` has two entries of a stage".into());
        let is_running = self.run.status == "RUNNING";
        let stages = self.stages();
        for stage in &stages {
            let is_ready = is_running && stage.is_ready();
            let places = usize::from(held.contains(&stage.id)) + usize::from(jobs.contains_key(&stage.id));
            let invariant = if is_running { OnePlace } else { Invariant::End };
            self.expect(invariant, places == usize::from(is_ready), || {
                format!(
                    "stage `{}` ({}, waits for {}) is in {places} places",
                    stage.id, stage.status, stage.waiting_on
                )
            });
            let job = jobs.get(&stage.id).map(String::as_str);
            let fits = match (stage.status.as_str(), job) {
                (_, None) => true,
                ("SUSPENDED", Some(job)) => matches!(job, "SUSPENDED" | "RUNNING"),
                (status, Some(job)) => job == status,
            };
            self.expect(OnePlace, fits, || {
                format!("stage `{}` is {}, its job {job:?}", stage.id, stage.status)
            });
        }
        let known: BTreeSet<&String> = stages.iter().map(|stage| &stage.id).collect();
        for stage in held.iter().chain(jobs.keys()) {
            self.expect(OnePlace, known.contains(stage), || format!("there is no stage `{stage}`"));
        }
    }

    fn owner(&mut self) {
        use Invariant::Owner;
        let first_end = self.held().map(|(_, since, length)| since.saturating_add(length)).min();
        let (owner, until) = (self.run.owner.clone(), self.run.held_until);
        self.expect(Owner, owner.is_some() == first_end.is_some(), || {
            format!("its owner is {owner:?}, the first end of a held lease {first_end:?}")
        });
        self.expect(Owner, until.is_some() == first_end.is_some() && until <= first_end, || {
            format!("`held_until` is {until:?}, the first end of a held lease {first_end:?}")
        });
    }

    fn end(&mut self) {
        use Invariant::End;
        let has_end = self.run.completed_at.is_some() == self.run.is_terminal();
        self.expect(End, has_end, || "a run has an end when it is terminal".into());
        if self.run.status == "RUNNING" {
            return;
        }
        let is_empty = self.run.owner.is_none() && self.run.held_until.is_none() && self.entries.is_empty();
        self.expect(End, is_empty, || "it has an owner, or entries in `held`".into());
        let open: Vec<_> = self.stages().into_iter().filter(Stage::is_open).map(|stage| stage.id).collect();
        self.expect(End, open.is_empty(), || format!("these stages are open: {open:?}"));
    }

    fn lease(&mut self) {
        use Invariant::Lease;
        let generation = self.run.generation;
        for job in self.jobs.clone().into_values() {
            let is_leased = job.status == "RUNNING";
            let has_lease = (job.worker_id.is_some(), job.leased_until.is_some()) == (is_leased, is_leased);
            self.expect(Lease, has_lease, || {
                format!(
                    "the job of `{}` is {}, its worker {:?}, the end of its lease {:?}",
                    job.stage_id, job.status, job.worker_id, job.leased_until
                )
            });
            self.expect(Lease, job.status == "DEAD" || job.generation == generation, || {
                format!("the job of `{}` is of generation {}", job.stage_id, job.generation)
            });
        }
        for stage in self.stage_rows.clone().into_values() {
            let is_open = matches!(stage.status.as_str(), "PENDING" | "RUNNING" | "SUSPENDED");
            self.expect(Lease, !is_open || stage.generation == generation, || {
                format!("the open stage `{}` is of generation {}", stage.stage_id, stage.generation)
            });
        }
        let has_held = self.held().next().is_some();
        self.expect(Lease, generation == 1 || !has_held, || {
            "a lease without a row is of the first generation".into()
        });
    }

    fn epoch(&mut self) {
        use Invariant::Epoch;
        let count = |stage: &str, name: &str| {
            let of_stage =
                |event: &&EventRow| event.event_type == name && event.stage.as_deref() == Some(stage);
            let newest = self.events.iter().rev().find(of_stage).and_then(|event| event.attempt);
            (self.events.iter().filter(of_stage).count(), newest)
        };
        let mut checked = Vec::new();
        for job in self.jobs.values().filter(|job| job.generation == self.run.generation) {
            let (claims, newest) = count(&job.stage_id, "stage:started");
            let stage = self.stage_rows.get(job.stage_id.as_str());
            let raised = job.lease_epoch >= i64::try_from(claims).unwrap_or(i64::MAX);
            let fits = stage.is_none_or(|stage| match stage.status.as_str() {
                "RUNNING" => job.attempt == stage.attempt && newest == Some(stage.attempt),
                "PENDING" => job.attempt <= stage.attempt,
                _ => true,
            });
            checked.push((
                job.stage_id.clone(),
                raised && fits,
                job.lease_epoch,
                job.attempt,
                claims,
                newest,
            ));
        }
        for (stage, ..) in self.held() {
            let (claims, newest) = count(stage, "stage:started");
            checked.push((stage.clone(), (claims, newest) == (1, Some(1)), 1, 1, claims, newest));
        }
        for (stage, holds, epoch, attempt, claims, newest) in checked {
            self.expect(Epoch, holds, || {
                format!(
                    "the job of `{stage}` has epoch {epoch} and attempt {attempt}; the stage was started {claims} \
                     times, last with attempt {newest:?}"
                )
            });
        }
    }

    fn sequence(&mut self, commits: &[CommitRow]) {
        use Invariant::Sequence;
        let mut next = 1;
        for commit in commits {
            let events = i64::try_from(commit.events().len()).unwrap_or(i64::MAX);
            let fits = commit.sequence == next && commit.last_sequence - commit.sequence + 1 == events;
            let (first, last) = (commit.sequence, commit.last_sequence);
            self.expect(Sequence, fits, || {
                format!(
                    "a commit has {events} events with the numbers {first} to {last}, and {next} is the next"
                )
            });
            next = commit.last_sequence + 1;
        }
        let newest = self.run.last_sequence;
        self.expect(Sequence, newest + 1 == next, || {
            format!("it knows {newest} events, and its commits have {}", next - 1)
        });
    }

    fn never_renewed(&mut self) {
        let held: Vec<_> = self.held().map(|(id, since, _)| (id.clone(), since)).collect();
        for (stage, since) in held {
            let starts = |event: &&EventRow| {
                event.event_type == "stage:started" && event.stage.as_deref() == Some(stage.as_str())
            };
            let started = self.events.iter().find(starts).map(|event| event.occurred_at);
            self.expect(Invariant::NeverRenewed, started == Some(since), || {
                format!("the lease on `{stage}` began at {since}, its commit was at {started:?}")
            });
        }
    }

    fn outline(&mut self) {
        use Invariant::Outline;
        let has_outline = self.outline.is_some();
        self.expect(Outline, has_outline || self.entries.is_empty(), || {
            "it has entries in `held`, and no outline".into()
        });
        let expects_outline = self.run.outline_sequence.is_some();
        self.expect(Outline, has_outline == expects_outline, || "its commits lack the outline".into());
        let outline: BTreeSet<String> = self.outline.iter().flatten().map(|(id, _)| id.clone()).collect();
        for stage in self.entries.clone().into_keys() {
            let is_implicit = outline.contains(&stage)
                && !self.stage_rows.contains_key(stage.as_str())
                && !self.jobs.contains_key(stage.as_str());
            self.expect(Outline, is_implicit, || {
                format!("`held` names `{stage}`, which has a row, or is not in the outline")
            });
        }
        for stage in self.stage_rows.clone().into_keys() {
            self.expect(Outline, !has_outline || outline.contains(stage), || {
                format!("`{stage}` has a row, and is not in the outline")
            });
        }
        for stage in self.jobs.clone().into_keys() {
            let has_row = self.stage_rows.contains_key(stage);
            self.expect(Outline, has_row, || format!("`{stage}` has a job, and its stage no row"));
        }
    }

    fn counters(&mut self, definition: Option<&Value>) {
        use Invariant::Counters;
        if self.run.status != "RUNNING" {
            let open: Vec<_> =
                self.stages().into_iter().filter(Stage::is_open).map(|stage| stage.id).collect();
            self.expect(Counters, open.is_empty(), || format!("these stages are open: {open:?}"));
            return;
        }
        let stages = self.stages();
        let count = |status: &str| stages.iter().filter(|stage| stage.status == status).count();
        let queued = stages.iter().filter(|stage| stage.status == "PENDING" && stage.waiting_on == 0).count();
        let (active, suspended) = (count("RUNNING") + queued, count("SUSPENDED"));
        let counted = (self.run.active, self.run.suspended);
        self.expect(Counters, counted == (signed(active), signed(suspended)), || {
            format!("it counts {counted:?} active and suspended stages, and has {active} and {suspended}")
        });
        // A choice counts its widest arm, and a catch its last stage: the counters of these depend on more than statuses.
        let has_arms = |stage: &Value| !stage["choice"].is_null();
        let Some(definition) = definition.filter(|definition| {
            array(&definition["catches"]).is_empty() && !array(&definition["stages"]).iter().any(has_arms)
        }) else {
            return;
        };
        let status: BTreeMap<_, _> = stages
            .iter()
            .map(|stage| (stage.id.as_str(), (stage.status.as_str(), stage.waiting_on)))
            .collect();
        let open = |ids: &Value| {
            let is_open = |id: &&str| status.get(id).is_none_or(|(status, _)| *status != "COMPLETED");
            signed(texts(ids).into_iter().filter(is_open).count())
        };
        let outputs = open(&definition["output_stages"]);
        let waiting_on = self.run.waiting_on;
        self.expect(Counters, waiting_on == outputs, || {
            format!("it waits for {waiting_on} output stages, and {outputs} are open")
        });
        for stage in array(&definition["stages"]) {
            let id = stage["id"].as_str().unwrap_or_default();
            let predecessors = open(&stage["predecessors"]);
            let waiting_on =
                status.get(id).filter(|(status, _)| *status == "PENDING").map(|(_, count)| *count);
            self.expect(Counters, waiting_on.is_none_or(|count| count == predecessors), || {
                format!("`{id}` waits for {waiting_on:?} predecessors, and {predecessors} are open")
            });
        }
    }
}

impl Stage {
    fn is_open(&self) -> bool {
        matches!(self.status.as_str(), "PENDING" | "RUNNING" | "SUSPENDED")
    }

    fn is_ready(&self) -> bool {
        self.status != "PENDING" && self.is_open() || self.status == "PENDING" && self.waiting_on == 0
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn texts(value: &Value) -> Vec<&str> {
    array(value).iter().filter_map(Value::as_str).collect()
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
