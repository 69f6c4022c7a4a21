//! The comparison of two definitions.

use serde_json::Value;

use super::change::Change;
use super::lock::{Lock, LockedStage};
use super::renamed::Renamed;
use super::schemas::{Fit, differences};
use super::stages::stage_changes;

/// Returns all changes, the most severe first. The list is not empty when the fingerprints differ.
pub(super) fn changes(old: &Lock, new: &Lock) -> Vec<Change> {
    let mut changes = workflow_changes(old, new);
    let renamed = Renamed::between(old, new);
    changes.extend(stage_changes(old, new, &renamed));
    for stage in &new.stages {
        let Some(before) = old.stage(renamed.old_id(&stage.id)) else { continue };
        changes.extend(schema_changes(old, new, before, stage));
    }
    if changes.is_empty() {
        let what = "its fingerprint differs in a way that this message cannot describe".to_owned();
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
        let direction = if new.version > old.version { "raised" } else { "lowered" };
        changes.push(Change::new_version(
            format!("the version was {direction} from {} to {}", old.version, new.version),
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
    // The first stage receives the run's input, which was compared already.
    if before.input != old.input || stage.input != new.input {
        changes.extend(differences(&before.input, &stage.input).into_iter().map(|difference| {
            let what = sentence(&place, "input", &difference.path, &difference.what);
            Change::new_version(
                what,
                "it is built from the outputs of its predecessors, and is not stored itself",
            )
        }));
    }
    changes.extend(stored_changes(&place, "config", "configurations", &before.config, &stage.config));
    changes.extend(stored_changes(&place, "output", "outputs", &before.output, &stage.output));
    match (before.signal, stage.signal) {
        (true, false) => changes.push(Change::strands(
            format!("stage `{}` no longer waits for a signal", stage.id),
            "no signal reaches the runs that wait for one",
        )),
        (false, true) => changes.push(Change::new_version(
            format!("stage `{}` now waits for a signal", stage.id),
            "runs in flight have its output without one",
        )),
        _ => {}
    }
    match (&before.child, &stage.child) {
        (Some(before), Some(child)) if before != child => changes.push(Change::strands(
            format!("stage `{}` runs workflow `{child}`, no longer `{before}`", stage.id),
            "runs in flight wait for a run of the other workflow",
        )),
        (Some(child), None) => changes.push(Change::strands(
            format!("stage `{}` no longer runs workflow `{child}`", stage.id),
            "nothing checks the runs that it has started",
        )),
        (None, Some(child)) => changes.push(Change::new_version(
            format!("stage `{}` now runs workflow `{child}`", stage.id),
            "runs in flight have its output without a run",
        )),
        _ => {}
    }
    match (&before.ticket, &stage.ticket) {
        (Some(before), Some(ticket)) => {
            changes.extend(stored_changes(&place, "ticket", "tickets", before, ticket));
        }
        (Some(_), None) => changes.push(Change::strands(
            format!("stage `{}` no longer waits", stage.id),
            "nothing checks the stored tickets",
        )),
        (None, Some(_)) => changes.push(Change::new_version(
            format!("stage `{}` now waits", stage.id),
            "runs in flight have its output without a ticket",
        )),
        (None, None) => {}
    }
    changes
}

/// Returns the changes of a schema whose values are stored.
fn stored_changes(place: &str, role: &str, roles: &str, old: &Value, new: &Value) -> Vec<Change> {
    let differences = differences(old, new);
    let changes = differences.into_iter().map(|difference| {
        let what = sentence(place, role, &difference.path, &difference.what);
        match difference.fits {
            Fit::All => Change::new_version(what, format!("stored {roles} would still decode")),
            Fit::Some => Change::strands(what, format!("stored {roles} may no longer decode")),
            Fit::None => Change::strands(what, format!("stored {roles} would no longer decode")),
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
