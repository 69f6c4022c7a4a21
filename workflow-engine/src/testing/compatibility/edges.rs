//! Changes of the edges between stages that both definitions have.

use super::change::{Change, list};
use super::lock::{Lock, LockedStage};
use super::renamed::Renamed;

/// Returns a change if a stage has other predecessors than before.
pub(super) fn edge_change(
    old: &Lock,
    new: &Lock,
    renamed: &Renamed,
    before: &LockedStage,
    stage: &LockedStage,
) -> Option<Change> {
    let in_new = |id: &str| new.stage(renamed.new_id(id)).is_some();
    let in_old = |id: &str| old.stage(renamed.old_id(id)).is_some();
    let was = renamed.new_ids(&common_stages(old, &before.after, &in_new));
    let is = common_stages(new, &stage.after, &in_old);
    if was == is {
        return None;
    }
    // Added and removed predecessors are reported as changes of their own, as long as the others stay.
    let direct: Vec<&str> = stage.after.iter().map(String::as_str).filter(|id| in_old(id)).collect();
    let direct_before = before.after.iter().filter(|id| in_new(id)).map(|id| renamed.new_id(id));
    if !direct.is_empty() && direct_before.eq(direct.iter().copied()) {
        return None;
    }
    let id = &stage.id;
    let same = was.len() == is.len() && was.iter().all(|id| is.contains(id));
    let what = if same {
        format!("stage `{id}` receives {} in this order, no longer {}", list(&is), list(&was))
    } else {
        format!("stage `{id}` now {}, where it {}", follows(&is), followed(&was))
    };
    Some(Change::new_version(what, "runs in flight keep the order that they started with"))
}

/// Returns the changes of the outputs that a stage requires.
pub(super) fn read_changes(
    new: &Lock,
    renamed: &Renamed,
    before: &LockedStage,
    stage: &LockedStage,
) -> Vec<Change> {
    let id = &stage.id;
    let mut changes = Vec::new();
    let (was, is) = (renamed.new_ids(&before.reads), &stage.reads);
    for read in is.iter().filter(|read| !was.contains(read)) {
        let what = format!("stage `{id}` now reads the output of `{read}`");
        changes.push(Change::new_version(what, "runs in flight do not need it"));
    }
    for read in was.iter().filter(|read| !is.contains(read) && new.stage(read).is_some()) {
        let what = format!("stage `{id}` no longer reads the output of `{read}`");
        changes.push(Change::new_version(what, "runs in flight still keep it"));
    }
    if was != *is && was.len() == is.len() && was.iter().all(|read| is.contains(read)) {
        let what =
            format!("stage `{id}` reads the same outputs in another order: {}, not {}", list(is), list(&was));
        changes.push(Change::new_version(what, "nothing that is stored changes"));
    }
    changes
}

/// Returns a change if the stages that both definitions have are written in another order.
pub(super) fn reordered(old: &Lock, new: &Lock, renamed: &Renamed) -> Option<Change> {
    let new_ids: Vec<&str> = new
        .stages
        .iter()
        .map(|stage| stage.id.as_str())
        .filter(|id| old.stage(renamed.old_id(id)).is_some())
        .collect();
    let old_ids: Vec<&str> =
        old.stages.iter().map(|stage| renamed.new_id(&stage.id)).filter(|id| new_ids.contains(id)).collect();
    let first = old_ids.iter().zip(&new_ids).position(|(a, b)| a != b)?;
    let last = old_ids.iter().zip(&new_ids).rposition(|(a, b)| a != b)?;
    Some(Change::new_version(
        format!(
            "{} are written in another order: it was {}",
            list(&new_ids[first..=last]),
            list(&old_ids[first..=last])
        ),
        "runs in flight count their stages in the old order",
    ))
}

/// Returns the stages in `after` that both definitions have. A stage that only one definition has is replaced by its
/// predecessors, because its addition or removal is reported separately.
fn common_stages(lock: &Lock, after: &[String], common: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut common_stages: Vec<String> = Vec::new();
    for id in after {
        let found = match lock.stage(id) {
            Some(stage) if !common(id) => common_predecessors(lock, stage, common),
            _ => vec![id.clone()],
        };
        common_stages.extend(found.into_iter().filter(|id| !common_stages.contains(id)).collect::<Vec<_>>());
    }
    common_stages
}

fn common_predecessors(lock: &Lock, stage: &LockedStage, common: &dyn Fn(&str) -> bool) -> Vec<String> {
    // A lock file lists stages in reading order, so only earlier stages can be predecessors. Ignoring others keeps the
    // recursion finite for a file that was edited by hand.
    let position = |id: &str| lock.stages.iter().position(|stage| stage.id == id);
    let earlier: Vec<String> =
        stage.after.iter().filter(|id| position(id) < position(&stage.id)).cloned().collect();
    common_stages(lock, &earlier, common)
}

fn follows(after: &[String]) -> String {
    if after.is_empty() { "starts the run".to_owned() } else { format!("follows {}", list(after)) }
}

fn followed(after: &[String]) -> String {
    if after.is_empty() { "started the run".to_owned() } else { format!("followed {}", list(after)) }
}
