//! The text format of Prometheus.

use std::fmt::{Display, Write};

use super::distribution::Distribution;
use super::measurements::Measurements;

impl Measurements {
    /// Returns the measurements in the text format of Prometheus, for an answer with the content type
    /// `text/plain; version=0.0.4; charset=utf-8`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = workflow_engine::Engine::builder("memory:").build().await?;
    /// let text = engine.measurements().await.to_prometheus();
    /// assert!(text.contains("workflow_engine_leases_lost_total 0\n"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn to_prometheus(&self) -> String {
        let mut text = Text::default();
        self.write_runs(&mut text);
        self.write_stages(&mut text);
        self.write_engine(&mut text);
        self.write_models(&mut text);
        self.write_backlog(&mut text);
        text.0
    }

    fn write_runs(&self, text: &mut Text) {
        text.family("runs_started_total", "counter", "Runs that this process has created.");
        for own in &self.workflows {
            text.sample("runs_started_total", &[("workflow", &own.workflow_id)], own.runs_started);
        }
        text.family("runs_ended_total", "counter", "Runs that have ended in this process, by status.");
        for own in &self.workflows {
            let ends = [
                ("completed", own.runs_completed),
                ("failed", own.runs_failed),
                ("cancelled", own.runs_cancelled),
            ];
            for (status, count) in ends {
                text.sample("runs_ended_total", &[("workflow", &own.workflow_id), ("status", status)], count);
            }
        }
        text.family("run_seconds", "histogram", "Time from the start of a run to its end.");
        for own in &self.workflows {
            text.histogram("run_seconds", &[("workflow", &own.workflow_id)], &own.run_seconds);
        }
        text.family("queue_wait_seconds", "histogram", "Time for which a job was due before it was claimed.");
        for own in &self.workflows {
            text.histogram("queue_wait_seconds", &[("workflow", &own.workflow_id)], &own.queue_wait_seconds);
        }
    }

    fn write_stages(&self, text: &mut Text) {
        let stages = || {
            let of = |own: &super::WorkflowMeasurements| own.workflow_id.clone();
            self.workflows.iter().flat_map(move |own| own.stages.iter().map(move |stage| (of(own), stage)))
        };
        text.family("stage_attempts_total", "counter", "Attempts of stages that have ended, by outcome.");
        for (workflow, stage) in stages() {
            for (outcome, count) in stage.attempts.by_outcome() {
                let labels = [("workflow", &*workflow), ("stage", &stage.stage_id), ("outcome", outcome)];
                text.sample("stage_attempts_total", &labels, count);
            }
        }
        text.family("stage_checks_total", "counter", "Checks of stages that wait, by outcome.");
        for (workflow, stage) in stages() {
            // Most stages have no check.
            for (outcome, count) in stage.checks.by_outcome().into_iter().filter(|(_, count)| *count > 0) {
                let labels = [("workflow", &*workflow), ("stage", &stage.stage_id), ("outcome", outcome)];
                text.sample("stage_checks_total", &labels, count);
            }
        }
        text.family("stage_seconds", "histogram", "Time that the function or a check of a stage took.");
        for (workflow, stage) in stages() {
            let labels = [("workflow", &*workflow), ("stage", &*stage.stage_id)];
            text.histogram("stage_seconds", &labels, &stage.seconds);
        }
    }

    fn write_engine(&self, text: &mut Text) {
        text.family(
            "commit_seconds",
            "histogram",
            "Time from the request of a commit to the reply of the store.",
        );
        text.histogram("commit_seconds", &[], &self.commit_seconds);
        text.family("leases_lost_total", "counter", "Leases that were taken back from lost workers.");
        text.sample("leases_lost_total", &[], self.leases_lost);
        if let Some(slots) = self.slots {
            text.family("slots", "gauge", "Slots of the worker, by state.");
            text.sample("slots", &[("state", "busy")], slots.busy);
            text.sample("slots", &[("state", "free")], slots.free);
        }
        text.family("build_info", "gauge", "The version of the engine.");
        text.sample("build_info", &[("version", self.version)], 1);
    }

    fn write_models(&self, text: &mut Text) {
        text.family("ai_calls_total", "counter", "Calls of models that have ended, by outcome.");
        for own in &self.models {
            for (outcome, count) in
                [("settled", own.settled), ("failed", own.failed), ("unknown", own.unknown)]
            {
                text.sample("ai_calls_total", &[("model", &own.model), ("outcome", outcome)], count);
            }
        }
        text.family("ai_tokens_total", "counter", "Tokens of served calls, by direction.");
        for own in &self.models {
            for (direction, count) in [("input", own.input_tokens), ("output", own.output_tokens)] {
                text.sample("ai_tokens_total", &[("model", &own.model), ("direction", direction)], count);
            }
        }
        text.family("ai_cost_usd_total", "counter", "Cost of served calls in US dollars.");
        for own in &self.models {
            // The exact decimal, without the currency.
            let cost = own.cost.to_string();
            let amount = cost.strip_suffix(" USD").unwrap_or(&cost);
            text.sample("ai_cost_usd_total", &[("model", &own.model)], amount);
        }
    }

    fn write_backlog(&self, text: &mut Text) {
        let Some(backlog) = &self.backlog else { return };
        text.family(
            "unfinished_runs",
            "gauge",
            "Runs in the store that have not ended; at most 10000 are counted.",
        );
        for own in &backlog.runs {
            for (state, count) in [("pending", own.pending), ("running", own.running)] {
                text.sample("unfinished_runs", &[("workflow", &own.workflow_id), ("state", state)], count);
            }
        }
        text.family("jobs", "gauge", "Entries of the queue, by state; at most 10000 of each are counted.");
        let jobs = &backlog.jobs;
        for (state, count) in [
            ("ready", jobs.ready),
            ("scheduled", jobs.scheduled),
            ("leased", jobs.leased),
            ("waiting", jobs.waiting),
            ("dead", jobs.dead),
        ] {
            text.sample("jobs", &[("state", state)], count);
        }
        text.family("oldest_ready_seconds", "gauge", "Time for which the oldest ready work has waited.");
        text.sample("oldest_ready_seconds", &[], backlog.oldest_ready_seconds);
        text.family("unclaimable_runs", "gauge", "Runs with due work that this process cannot execute.");
        text.sample("unclaimable_runs", &[], backlog.unclaimable_runs);
        text.family("undelivered_events", "gauge", "Events that a subscriber has still to receive.");
        for own in &backlog.subscribers {
            text.sample("undelivered_events", &[("subscriber", &own.name)], own.undelivered_events);
        }
        text.family("dead_letters", "gauge", "Events that a plugin refused for the last time.");
        for own in &backlog.subscribers {
            text.sample("dead_letters", &[("plugin", &own.name)], own.dead_letters);
        }
    }
}

/// A text in the making.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.write(format_args!(
            "# HELP workflow_engine_{name} {help}\n# TYPE workflow_engine_{name} {kind}\n"
        ));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.write(format_args!("workflow_engine_{name}"));
        self.labels(labels, None);
        self.write(format_args!(" {value}\n"));
    }

    fn histogram(&mut self, name: &str, labels: &[(&str, &str)], distribution: &Distribution) {
        let bounds = distribution.buckets.iter().map(|bucket| (bucket.up_to.to_string(), bucket.count));
        for (bound, count) in bounds.chain([("+Inf".to_owned(), distribution.count)]) {
            self.write(format_args!("workflow_engine_{name}_bucket"));
            self.labels(labels, Some(&bound));
            self.write(format_args!(" {count}\n"));
        }
        self.sample(&format!("{name}_sum"), labels, distribution.sum);
        self.sample(&format!("{name}_count"), labels, distribution.count);
    }

    fn labels(&mut self, labels: &[(&str, &str)], bound: Option<&str>) {
        let all = labels.iter().copied().chain(bound.map(|bound| ("le", bound)));
        let mut separator = '{';
        for (key, value) in all {
            self.write(format_args!("{separator}{key}=\"{}\"", escaped(value)));
            separator = ',';
        }
        if separator == ',' {
            self.0.push('}');
        }
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        // Cannot fail: the text is in memory.
        let _ = self.0.write_fmt(text);
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
