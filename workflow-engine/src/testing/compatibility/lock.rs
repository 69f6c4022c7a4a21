//! The lock file: a readable form of the fingerprint's input, which refers to stages by their ids.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::definition::{ALGORITHM, ArmDefinition, WorkflowDefinition, hash, normal_form, receives};

/// A released definition. The fields are in the order of the file, with the most useful ones first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lock {
    pub(super) id: String,
    pub(super) version: u32,
    pub(super) fingerprint: String,
    /// The algorithm that computed the fingerprint.
    pub(super) algorithm: String,
    /// The normal form of the input's schema.
    pub(super) input: Value,
    /// In reading order.
    pub(super) stages: Vec<LockedStage>,
    /// The stages whose outputs make up the run's output.
    pub(super) ends: Vec<String>,
    /// The stages of each catch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) catches: Vec<Vec<String>>,
    /// The source of the run's output, if it depends on a choice. Stages are numbers in reading order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) returns: Option<Value>,
}

/// A stage of a released definition. It refers to other stages by their ids; its schemas are in normal form.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LockedStage {
    pub(super) id: String,
    pub(super) version: u32,
    pub(super) after: Vec<String>,
    pub(super) reads: Vec<String>,
    pub(super) input: Value,
    pub(super) config: Value,
    pub(super) output: Value,
    /// Whether the stage waits for a signal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) signal: bool,
    /// The id of the workflow that the stage runs, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) child: Option<String>,
    /// The schema of the ticket, if the stage waits for its check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ticket: Option<Value>,
    /// The arms of the choice on the stage's output: pattern and stages of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) arms: Option<Vec<(String, Vec<String>)>>,
    /// The source of the value that the stage receives, if it depends on a choice. Stages are numbers in reading order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) receives: Option<Value>,
}

impl Lock {
    pub(super) fn of(definition: &WorkflowDefinition) -> Self {
        let ids = |indices: &[usize]| -> Vec<String> {
            indices.iter().map(|index| definition.stages[*index].id.clone()).collect()
        };
        let stages = definition.stages.iter().map(|stage| LockedStage {
            id: stage.id.clone(),
            version: stage.version,
            after: ids(&stage.predecessors),
            reads: ids(&stage.reads),
            input: normal_form(stage.input_shape()),
            config: normal_form(stage.config.shape()),
            output: normal_form(stage.output_schema()),
            signal: stage.waits_for_signal(),
            child: stage.child_workflow_id().map(str::to_owned),
            ticket: stage
                .wait
                .as_ref()
                .filter(|wait| !wait.is_signal() && stage.child.is_none())
                .map(|wait| normal_form(wait.ticket_schema())),
            arms: stage.choice.as_ref().map(|choice| {
                let stages = |arm: &ArmDefinition| ids(&arm.stages.clone().collect::<Vec<usize>>());
                choice.arms.iter().map(|arm| (arm.pattern.clone(), stages(arm))).collect()
            }),
            receives: stage.source.is_chosen().then(|| receives(&stage.source)),
        });
        Self {
            id: definition.id.clone(),
            version: definition.version,
            fingerprint: definition.fingerprint().to_owned(),
            algorithm: ALGORITHM.to_owned(),
            input: normal_form(definition.input.shape()),
            stages: stages.collect(),
            ends: ids(&definition.output_stages),
            catches: definition
                .catches
                .iter()
                .map(|catch| ids(&catch.stages.clone().collect::<Vec<usize>>()))
                .collect(),
            returns: definition.output.is_chosen().then(|| receives(&definition.output)),
        }
    }

    /// Parses a lock file, and rejects one that was merged or edited by hand.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let lock: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let computed = hash(lock.identity()?);
        if lock.algorithm == ALGORITHM && lock.fingerprint != computed {
            return Err(
                "its fingerprint does not match its content: it was edited by hand, or merged".to_owned()
            );
        }
        Ok(lock)
    }

    pub(super) fn to_text(&self) -> String {
        // Strings, numbers and JSON values always serialize.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    pub(super) fn stage(&self, id: &str) -> Option<&LockedStage> {
        self.stages.iter().find(|stage| stage.id == id)
    }

    /// Returns the input of the fingerprint, which refers to stages by their indices.
    fn identity(&self) -> Result<Value, String> {
        let mut stages = Vec::new();
        for stage in &self.stages {
            let place = format!("stage `{}`", stage.id);
            let mut whole = json!({
                "id": stage.id,
                "version": stage.version,
                "after": self.indices(&stage.after, &place, "after")?,
                "reads": self.indices(&stage.reads, &place, "reads")?,
                "input": stage.input,
                "output": stage.output,
                "config": stage.config,
            });
            if stage.signal {
                whole["signal"] = json!(true);
            }
            if let Some(child) = &stage.child {
                whole["child"] = json!(child);
            }
            if let Some(ticket) = &stage.ticket {
                whole["ticket"] = ticket.clone();
            }
            if let Some(arms) = &stage.arms {
                let arms = arms
                    .iter()
                    .map(|(pattern, stages)| Ok(json!([pattern, self.indices(stages, &place, "arms")?])));
                whole["arms"] = arms.collect::<Result<Value, String>>()?;
            }
            if let Some(receives) = &stage.receives {
                whole["receives"] = receives.clone();
            }
            stages.push(whole);
        }
        let mut whole = json!({
            "id": self.id,
            "version": self.version,
            "stages": stages,
            "ends": self.indices(&self.ends, "the workflow", "ends")?,
            "input": self.input,
        });
        if !self.catches.is_empty() {
            let catches = self.catches.iter().map(|catch| self.indices(catch, "the workflow", "catches"));
            whole["catches"] = json!(catches.collect::<Result<Vec<_>, String>>()?);
        }
        if let Some(returns) = &self.returns {
            whole["returns"] = returns.clone();
        }
        Ok(whole)
    }

    fn indices(&self, ids: &[String], place: &str, key: &str) -> Result<Vec<usize>, String> {
        ids.iter()
            .map(|id| {
                let position = self.stages.iter().position(|stage| stage.id == *id);
                position
                    .ok_or_else(|| format!("`{key}` of {place} names `{id}`, which is not among its stages"))
            })
            .collect()
    }
}
