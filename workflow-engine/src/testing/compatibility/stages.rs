//! Which stages came, went and were renamed.

use super::compare::Change;
use super::edges::{edge_change, read_changes, reordered};
use super::lock::{Lock, LockedStage};

/// Stages that have another id and are otherwise what they were: old id, new id.
pub(super) struct Renamed(Vec<(String, String)>);

impl Renamed {
    /// Pairs each stage that is gone with the one new stage that stands where it stood and takes and gives the same.
    pub(super) fn between(old: &Lock, new: &Lock) -> Self {
        let mut renamed = Self(Vec::new());
        for gone in old.stages.iter().filter(|stage| new.stage(&stage.id).is_none()) {
            let after: Vec<&str> = gone.after.iter().map(|id| renamed.new_id(id)).collect();
            let mut alike = new.stages.iter().filter(|stage| {
                old.stage(&stage.id).is_none()
                    && renamed.old_id(&stage.id) == stage.id
                    && stage.after == after
                    && (&stage.input, &stage.config, &stage.output)
                        == (&gone.input, &gone.config, &gone.output)
            });
            if let (Some(stage), None) = (alike.next(), alike.next()) {
                let pair = (gone.id.clone(), stage.id.clone());
                renamed.0.push(pair);
            }
        }
        renamed
    }

    pub(super) fn old_id<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.iter().find(|(_, new)| new == id).map_or(id, |(old, _)| old)
    }

    pub(super) fn new_id<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.iter().find(|(old, _)| old == id).map_or(id, |(_, new)| new)
    }

    pub(super) fn new_ids(&self, ids: &[String]) -> Vec<String> {
        ids.iter().map(|id| self.new_id(id).to_owned()).collect()
    }
}

/// What has changed, but for the schemas.
pub(super) fn stage_changes(old: &Lock, new: &Lock, renamed: &Renamed) -> Vec<Change> {
    let mut changes = Vec::new();
    for gone in &old.stages {
        let id = renamed.new_id(&gone.id);
        if id != gone.id {
            changes.push(Change::strands(
                format!("the id of stage `{}` changed to `{id}`", gone.id),
                format!("runs in flight know it as `{0}`; `#[stage(id = \"{0}\")]` keeps the id", gone.id),
            ));
        } else if new.stage(id).is_none() {
            let what = format!("stage `{id}` was removed");
            changes.push(Change::strands(what, "runs in flight wait for it, or have its output"));
        }
    }
    for stage in &new.stages {
        match old.stage(renamed.old_id(&stage.id)) {
            Some(before) => {
                changes.extend(version_change(before, stage));
                changes.extend(edge_change(old, new, renamed, before, stage));
                changes.extend(read_changes(new, renamed, before, stage));
            }
            None => changes.push(Change::new_version(
                format!("stage `{}` is new{}", stage.id, place(new, stage)),
                "runs in flight were planned without it",
            )),
        }
    }
    let ends = renamed.new_ids(&old.ends);
    if ends != new.ends {
        changes.push(Change::new_version(
            format!("the run's output is now that of {}, no longer that of {}", list(&new.ends), list(&ends)),
            "runs in flight deliver what was released",
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

/// Where a new stage stands.
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

/// The ids as a list in a sentence.
pub(super) fn list<S: AsRef<str>>(ids: &[S]) -> String {
    let mut quoted: Vec<String> = ids.iter().map(|id| format!("`{}`", id.as_ref())).collect();
    match quoted.pop() {
        Some(last) if quoted.is_empty() => last,
        Some(last) => format!("{} and {last}", quoted.join(", ")),
        None => "nothing".to_owned(),
    }
}
