//! The outline of a run: its stages as they begin.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::ports::NewStage;
use crate::value::{Place, StageKey};

/// The most stages of a run with an outline. The entries of a run are written again with each of its commits, so in a
/// larger run each stage has a row from the start.
const MAX_STAGES: usize = 32;

/// The stages of a run, in reading order. All are outside of repeated parts: a stage at a place always has a row.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::stores) struct Outline(Vec<OutlineStage>);

/// A stage as it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stores) struct OutlineStage {
    pub(in crate::stores) stage_key: StageKey,
    pub(in crate::stores) stage_name: String,
    pub(in crate::stores) stage_number: u32,
    pub(in crate::stores) execution_group: u32,
    /// The number of predecessors.
    pub(in crate::stores) waiting_on: u32,
}

/// Writes the id, the level, the number of predecessors, and the name where it differs from the id.
impl Serialize for OutlineStage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { stage_key, stage_name, execution_group, waiting_on, .. } = self;
        if *stage_name == stage_key.id {
            (&stage_key.id, execution_group, waiting_on).serialize(serializer)
        } else {
            (&stage_key.id, execution_group, waiting_on, stage_name).serialize(serializer)
        }
    }
}

impl Outline {
    /// Returns the outline of a run that starts with these stages; `None` where each of them is to have a row.
    pub(in crate::stores) fn of(stages: &[NewStage]) -> Option<Arc<Self>> {
        let is_numbered = stages.iter().zip(1..).all(|(stage, number)| stage.stage_number == number);
        let is_outside = stages.iter().all(|stage| stage.stage_key.place.is_empty());
        if stages.len() > MAX_STAGES || !is_numbered || !is_outside {
            return None;
        }
        let stages = stages.iter().map(|stage| OutlineStage {
            stage_key: stage.stage_key.clone(),
            stage_name: stage.stage_name.clone(),
            stage_number: stage.stage_number,
            execution_group: stage.execution_group,
            waiting_on: stage.waiting_on,
        });
        Some(Arc::new(Self(stages.collect())))
    }

    /// Returns the stages.
    pub(in crate::stores) fn stages(&self) -> &[OutlineStage] {
        &self.0
    }

    /// Returns a stage. There are few.
    pub(in crate::stores) fn stage(&self, stage_key: &StageKey) -> Option<&OutlineStage> {
        self.0.iter().find(|stage| stage.stage_key == *stage_key)
    }

    /// Returns the text that is stored.
    #[allow(clippy::expect_used, reason = "texts and numbers have a JSON form")]
    pub(in crate::stores) fn text(&self) -> String {
        serde_json::to_string(&self.0).expect("a stage has a JSON form")
    }

    /// Reads the stored text.
    pub(in crate::stores) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let rows: Vec<Vec<Value>> = serde_json::from_str(text)?;
        let invalid = || serde::de::Error::custom("a stage lacks a column, or has one of another type");
        let read = |(columns, stage_number): (Vec<Value>, u32)| {
            let text = |at: usize| columns.get(at).and_then(Value::as_str).map(str::to_owned);
            let number = |at: usize| columns.get(at).and_then(Value::as_u64).and_then(|n| n.try_into().ok());
            let stage_id = text(0).ok_or_else(invalid)?;
            Ok(OutlineStage {
                stage_name: text(3).unwrap_or_else(|| stage_id.clone()),
                stage_key: StageKey::new(stage_id, Place::default()),
                stage_number,
                execution_group: number(1).ok_or_else(invalid)?,
                waiting_on: number(2).ok_or_else(invalid)?,
            })
        };
        rows.into_iter().zip(1..).map(read).collect::<Result<_, _>>().map(Self)
    }
}
