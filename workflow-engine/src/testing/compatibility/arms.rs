//! Changes of choices and catches.

use super::change::{Change, list};
use super::lock::{Lock, LockedStage};
use super::renamed::Renamed;

/// Returns the changes of the choice on a stage's output.
pub(super) fn arm_changes(renamed: &Renamed, before: &LockedStage, stage: &LockedStage) -> Vec<Change> {
    let id = &stage.id;
    let consequence = "runs in flight have stored the numbers of the released arms";
    let (was, is) = match (&before.arms, &stage.arms) {
        (None, None) => return Vec::new(),
        (None, Some(_)) => {
            let what = format!("the output of stage `{id}` now chooses an arm");
            return vec![Change::new_version(what, "runs in flight have it without an arm")];
        }
        (Some(_), None) => {
            let what = format!("the output of stage `{id}` no longer chooses an arm");
            return vec![Change::new_version(what, consequence)];
        }
        (Some(was), Some(is)) => (was, is),
    };
    let mut changes = Vec::new();
    for number in 0..was.len().max(is.len()) {
        let what = match (was.get(number), is.get(number)) {
            (Some((was, _)), Some((is, _))) if was != is => {
                format!("arm {number} of `{id}` is now `{is}`, no longer `{was}`")
            }
            (Some((pattern, was)), Some((_, is))) if renamed.new_ids(was) != *is => {
                format!(
                    "arm `{pattern}` of `{id}` now has {}, no longer {}",
                    list(is),
                    list(&renamed.new_ids(was))
                )
            }
            (None, Some((is, _))) => format!("arm `{is}` of `{id}` is new"),
            (Some((was, _)), None) => format!("arm `{was}` of `{id}` no longer exists"),
            _ => continue,
        };
        changes.push(Change::new_version(what, consequence));
    }
    changes
}

/// Returns the catches that only one of the definitions has.
pub(super) fn catch_changes(old: &Lock, new: &Lock, renamed: &Renamed) -> Vec<Change> {
    let was: Vec<Vec<String>> = old.catches.iter().map(|catch| renamed.new_ids(catch)).collect();
    let mut changes = Vec::new();
    for catch in new.catches.iter().filter(|catch| !was.contains(catch)) {
        let what = format!("a `catch` is now around {}", list(catch));
        changes.push(Change::new_version(what, "in runs in flight, their failure fails the run"));
    }
    for catch in was.iter().filter(|catch| !new.catches.contains(catch)) {
        let what = format!("a `catch` is no longer around {}", list(catch));
        changes.push(Change::new_version(what, "in runs in flight, their failure is a value"));
    }
    changes
}
