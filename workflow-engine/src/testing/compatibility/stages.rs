//! Changes of the stages themselves: added, removed, renamed, and with another version.

use super::arms::{arm_changes, catch_changes};
use super::change::{Change, list};
use super::edges::{edge_change, read_changes, reordered};
use super::lock::{Lock, LockedStage};
use super::renamed::Renamed;

/// Returns the changes of the stages, except for those of their schemas.
pub(super) fn stage_changes(old: &Lock, new: &Lock, renamed: &Renamed) -> Vec<Change> {
    let mut changes = Vec::new();
    for removed in &old.stages {
        let id = renamed.new_id(&removed.id);
        if id != removed.id {
            changes.push(Change::strands(
                format!("the id of stage `{}` changed to `{id}`", removed.id),
                format!("runs in flight know it as `{0}`; `#[stage(id = \"{0}\")]` keeps the id", removed.id),
            ));
        } else if new.stage(id).is_none() {
            let what = format!("stage `{id}` was removed");
            changes.push(Change::strands(what, "runs in flight wait for it, or have stored its output"));
        }
    }
    for stage in &new.stages {
        match old.stage(renamed.old_id(&stage.id)) {
            Some(before) => {
                changes.extend(version_change(before, stage));
                changes.extend(edge_change(old, new, renamed, before, stage));
                changes.extend(read_changes(new, renamed, before, stage));
                changes.extend(arm_changes(renamed, before, stage));
            }
            None => changes.push(Change::new_version(
                format!("stage `{}` is new{}", stage.id, place(new, stage)),
                "runs in flight were planned without it",
            )),
        }
    }
    changes.extend(catch_changes(old, new, renamed));
    let ends = renamed.new_ids(&old.ends);
    if ends != new.ends {
        changes.push(Change::new_version(
            format!("the run's output is now that of {}, no longer that of {}", list(&new.ends), list(&ends)),
            "runs in flight deliver the released output",
        ));
    }
    changes.extend(reordered(old, new, renamed));
    changes
}

fn version_change(before: &LockedStage, stage: &LockedStage) -> Option<Change> {
    (before.version != stage.version).then(|| {
        Change::new_version(
            format!("stage `{}`: version changed from {} to {}", stage.id, before.version, stage.version),
            format!("runs in flight keep version {} of it", before.version),
        )
    })
}

/// Describes the position of a new stage.
fn place(new: &Lock, stage: &LockedStage) -> String {
    let before: Vec<&str> = new
        .stages
        .iter()
        .filter(|other| other.after.contains(&stage.id))
        .map(|other| other.id.as_str())
        .collect();
    match (stage.after.as_slice(), before.as_slice()) {
        ([], []) => String::new(),
        ([], before) => format!(" before {}", list(before)),
        (after, []) => format!(" after {}", list(after)),
        ([after], [before]) => format!(" between `{after}` and `{before}`"),
        (after, before) => format!(" after {} and before {}", list(after), list(before)),
    }
}
