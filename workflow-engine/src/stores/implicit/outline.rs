//! The outline of a run: its stages as they begin.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::ports::NewStage;

/// The most stages of a run with an outline. The entries of a run are written again with each of its commits, so in a
/// larger run each stage has a row from the start.
const MAX_STAGES: usize = 32;

/// The stages of a run, in reading order.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::stores) struct Outline(Vec<OutlineStage>);

/// A stage as it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stores) struct OutlineStage {
    pub(in crate::stores) stage_id: String,
    pub(in crate::stores) stage_name: String,
    pub(in crate::stores) stage_number: u32,
    pub(in crate::stores) execution_group: u32,
    /// The number of predecessors.
    pub(in crate::stores) waiting_on: u32,
}

impl Outline {
    /// Returns the outline of a run that starts with these stages; `None` where each of them is to have a row.
    pub(in crate::stores) fn of(stages: &[NewStage]) -> Option<Arc<Self>> {
        let is_numbered = stages.iter().zip(1..).all(|(stage, number)| stage.stage_number == number);
        if stages.len() > MAX_STAGES || !is_numbered {
            return None;
        }
        let stages = stages.iter().map(|stage| OutlineStage {
            stage_id: stage.stage_id.clone(),
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
    pub(in crate::stores) fn stage(&self, stage_id: &str) -> Option<&OutlineStage> {
        self.0.iter().find(|stage| stage.stage_id == stage_id)
    }

    /// Returns the text that is stored: for each stage the id, the level, the number of predecessors, and the name where
    /// it differs from the id.
    pub(in crate::stores) fn text(&self) -> String {
        let stages = self.0.iter().map(|stage| {
            let mut columns =
                vec![json!(stage.stage_id), json!(stage.execution_group), json!(stage.waiting_on)];
            if stage.stage_name != stage.stage_id {
                columns.push(json!(stage.stage_name));
            }
            Value::Array(columns)
        });
        Value::Array(stages.collect()).to_string()
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
                stage_id,
                stage_number,
                execution_group: number(1).ok_or_else(invalid)?,
                waiting_on: number(2).ok_or_else(invalid)?,
            })
        };
        rows.into_iter().zip(1..).map(read).collect::<Result<_, _>>().map(Self)
    }
}
