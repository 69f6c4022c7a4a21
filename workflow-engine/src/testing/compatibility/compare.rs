//! What an edit changes about a workflow, and what that does to runs in flight.

use serde_json::Value;

use super::lock::{Lock, LockedStage};
use super::schemas::{Fit, differences};
use super::stages::{Renamed, stage_changes};

/// What a change does to runs in flight, from bad to worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    /// They keep the old definition, and need a worker that has it; what they have stored would fit the new one.
    NewVersion,
    /// What they have stored, or wait for, has no place in the new definition.
    Strands,
}

/// One change.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) effect: Effect,
    /// What was changed, as a sentence.
    pub(super) what: String,
    /// What it means for runs in flight.
    pub(super) consequence: String,
}

impl Change {
    pub(super) fn new_version(what: String, consequence: impl Into<String>) -> Self {
        Self { effect: Effect::NewVersion, what, consequence: consequence.into() }
    }

    pub(super) fn strands(what: String, consequence: impl Into<String>) -> Self {
        Self { effect: Effect::Strands, what, consequence: consequence.into() }
    }
}

/// Everything that has changed, the worst first. There is something where the fingerprints differ.
pub(super) fn changes(old: &Lock, new: &Lock) -> Vec<Change> {
    let mut changes = workflow_changes(old, new);
    let renamed = Renamed::between(old, new);
    changes.extend(stage_changes(old, new, &renamed));
    for stage in &new.stages {
        let Some(before) = old.stage(renamed.old_id(&stage.id)) else { continue };
        changes.extend(schema_changes(old, new, before, stage));
    }
    if changes.is_empty() {
        let what = "its fingerprint differs in a way that has no words yet".to_owned();
        changes.push(Change::new_version(what, "runs in flight carry the old one"));
    }
    changes.sort_by_key(|change| std::cmp::Reverse(change.effect));
    changes
}

fn workflow_changes(old: &Lock, new: &Lock) -> Vec<Change> {
    let mut changes = Vec::new();
    if old.id != new.id {
        changes.push(Change::strands(
            format!("the workflow's id changed from `{}` to `{}`", old.id, new.id),
            format!("runs in flight belong to `{0}`; `#[workflow(id = \"{0}\")]` keeps the id", old.id),
        ));
    }
    if old.version != new.version {
        let turn = if new.version > old.version { "raised" } else { "set back" };
        changes.push(Change::new_version(
            format!("the version was {turn} from {} to {}", old.version, new.version),
            format!("runs in flight keep version {}, and need a worker that has it", old.version),
        ));
    }
    if old.algorithm != new.algorithm {
        changes.push(Change::new_version(
            format!("fingerprints are computed by `{}`, no longer by `{}`", new.algorithm, old.algorithm),
            "runs in flight need a worker built with the workflow-engine that they were created with",
        ));
    }
    changes.extend(stored_changes("", "input", "inputs", &old.input, &new.input));
    changes
}

fn schema_changes(old: &Lock, new: &Lock, before: &LockedStage, stage: &LockedStage) -> Vec<Change> {
    let place = format!("stage `{}`: ", stage.id);
    let mut changes = Vec::new();
    // The first stage takes the run's input, which has been compared.
    if before.input != old.input || stage.input != new.input {
        changes.extend(differences(&before.input, &stage.input).into_iter().map(|difference| {
            let what = sentence(&place, "input", &difference.path, &difference.what);
            Change::new_version(what, "it is made of the outputs before it, and is not stored itself")
        }));
    }
    changes.extend(stored_changes(&place, "config", "configurations", &before.config, &stage.config));
    changes.extend(stored_changes(&place, "output", "outputs", &before.output, &stage.output));
    match (&before.ticket, &stage.ticket) {
        (Some(before), Some(ticket)) => {
            changes.extend(stored_changes(&place, "ticket", "tickets", before, ticket));
        }
        (Some(_), None) => changes.push(Change::strands(
            format!("stage `{}` no longer waits", stage.id),
            "nothing checks the tickets that are stored",
        )),
        (None, Some(_)) => changes.push(Change::new_version(
            format!("stage `{}` now waits", stage.id),
            "runs in flight have its output without a ticket",
        )),
        (None, None) => {}
    }
    changes
}

/// The differences of what a run stores.
fn stored_changes(place: &str, role: &str, roles: &str, old: &Value, new: &Value) -> Vec<Change> {
    let differences = differences(old, new);
    let changes = differences.into_iter().map(|difference| {
        let what = sentence(place, role, &difference.path, &difference.what);
        match difference.fits {
            Fit::All => Change::new_version(what, format!("{roles} that are stored would still decode")),
            Fit::Some => Change::strands(what, format!("{roles} that are stored may no longer decode")),
            Fit::None => Change::strands(what, format!("{roles} that are stored would no longer decode")),
        }
    });
    changes.collect()
}

fn sentence(place: &str, role: &str, path: &str, what: &str) -> String {
    if path.is_empty() {
        format!("{place}{role} {what}")
    } else {
        format!("{place}{role} field `{path}` {what}")
    }
}
