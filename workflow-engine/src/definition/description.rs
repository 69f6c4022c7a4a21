//! A compiled workflow as JSON, for programs in other languages.

use std::ops::Range;

use serde_json::{Value, json};

use super::choice::ArmDefinition;
use super::input::UnknownInput;
use super::retry::Backoff;
use super::stage::StageDefinition;
use super::workflow::WorkflowDefinition;
use crate::value::StageKey;

impl WorkflowDefinition {
    /// Returns the definition as JSON: ids, names, versions, the graph by stage ids, retry policies (durations in
    /// milliseconds), JSON Schemas, default configurations and the fingerprint. `configured` of a stage has its options
    /// that are fields of the configuration.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage]
    /// async fn load(path: String) -> StageResult<String> {
    ///     Ok(path)
    /// }
    ///
    /// workflow! { Reading = load }
    ///
    /// let json = Reading::definition().to_json();
    /// assert_eq!(json["stages"][0]["id"], "load");
    /// assert_eq!(json["stages"][0]["retry"]["initial_ms"], 1000);
    /// ```
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "fingerprint": self.fingerprint,
            "input_schema": self.input_schema(),
            "unknown_input": match self.input.unknown {
                UnknownInput::Deny => "deny",
                UnknownInput::Ignore => "ignore",
            },
            "output_schema": self.output_schema(),
            "config_schema": self.config_schema(),
            "deadline_ms": self.deadline.map(millis),
            "output_stages": self.ids(&self.output_stages),
            "catches": self.catches.iter().map(|catch| self.ids_in(&catch.stages)).collect::<Vec<_>>(),
            "stages": self.stages.iter().map(|stage| self.stage_json(stage)).collect::<Vec<_>>(),
        })
    }

    fn stage_json(&self, stage: &StageDefinition) -> Value {
        let mut described = self.declared_json(stage);
        if let Some(child) = stage.child_workflow_id() {
            described["child_workflow_id"] = child.into();
        }
        if let Some(configured) = stage.read_settings {
            described["configured"] = configured.places.iter().copied().collect();
            if configured.places.iter().any(|(option, _)| *option == "max_attempts") {
                described["retry"]["max_attempts"] = Value::Null;
            }
        }
        described
    }

    fn declared_json(&self, stage: &StageDefinition) -> Value {
        json!({
            "id": stage.id,
            "name": stage.name,
            "version": stage.version,
            "description": stage.description,
            "number": stage.number,
            "execution_group": stage.execution_group,
            "predecessors": self.ids(&stage.predecessors),
            "inputs": self.ids(&stage.inputs),
            "reads": self.ids(&stage.reads),
            "retry": {
                "max_attempts": stage.retry.max_attempts,
                "max_crashes": stage.retry.max_crashes,
                "backoff": match stage.retry.backoff {
                    Backoff::Fixed => "fixed",
                    Backoff::Exponential => "exponential",
                },
                "initial_ms": millis(stage.retry.initial),
                "max_ms": millis(stage.retry.max),
                "jitter": stage.retry.jitter,
            },
            "delay_ms": stage.delay.map(millis),
            "timeout_ms": stage.timeout.map(millis),
            "budget": stage.budget,
            "choice": stage.choice.as_ref().map(|choice| json!({
                "arms": choice.arms.iter().map(|arm| self.arm_json(arm)).collect::<Vec<_>>(),
            })),
            "wait": stage.wait.filter(|_| stage.child.is_none()).map(|wait| {
                let mut described = json!({
                    "give_up_after_ms": millis(wait.give_up_after),
                    "ticket_schema": wait.ticket_schema(),
                });
                match stage.signal_schema() {
                    Some(schema) => described["signal_schema"] = schema.to_value(),
                    None => described["poll_every_ms"] = millis(wait.poll_every).into(),
                }
                described
            }),
            "input_schema": stage.input_schema(),
            "output_schema": stage.output_schema(),
            "config_schema": stage.config_schema(),
            "default_config": stage.default_config(),
        })
    }

    fn ids_in(&self, stages: &Range<usize>) -> Vec<&str> {
        self.stages[stages.clone()].iter().map(|stage| stage.id.as_str()).collect()
    }

    fn arm_json(&self, arm: &ArmDefinition) -> Value {
        json!({
            "pattern": arm.pattern,
            "guard": arm.guard,
            "stages": self.ids_in(&arm.stages),
        })
    }

    /// Returns the keys of [`WorkflowDefinition::output_stages`], in that order.
    pub(crate) fn output_stage_keys(&self) -> Vec<StageKey> {
        self.output_stages.iter().map(|&index| self.stages[index].key()).collect()
    }

    fn ids(&self, stages: &[usize]) -> Vec<&str> {
        stages.iter().map(|index| self.stages[*index].id.as_str()).collect()
    }
}

pub(super) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
