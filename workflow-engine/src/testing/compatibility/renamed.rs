//! Stages that an edit has renamed.

use super::lock::Lock;

/// Pairs of old and new id, of stages that have changed nothing but their id.
pub(super) struct Renamed(Vec<(String, String)>);

impl Renamed {
    /// Pairs each removed stage with the only added stage that has the same predecessors and the same schemas.
    pub(super) fn between(old: &Lock, new: &Lock) -> Self {
        let mut renamed = Self(Vec::new());
        for removed in old.stages.iter().filter(|stage| new.stage(&stage.id).is_none()) {
            let after: Vec<&str> = removed.after.iter().map(|id| renamed.new_id(id)).collect();
            let mut candidates = new.stages.iter().filter(|stage| {
                old.stage(&stage.id).is_none()
                    && renamed.old_id(&stage.id) == stage.id
                    && stage.after == after
                    && (&stage.input, &stage.config, &stage.output)
                        == (&removed.input, &removed.config, &removed.output)
            });
            if let (Some(stage), None) = (candidates.next(), candidates.next()) {
                let pair = (removed.id.clone(), stage.id.clone());
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
