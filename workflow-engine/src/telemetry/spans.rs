//! The spans of the engine. All names of the conventions of OpenTelemetry stand here: those of messaging and of calls of
//! models are in development, and change with them.
//!
//! No span has an input, an output, a prompt, a response or the text of an error. A span that no subscriber wants costs
//! one atomic load.

use tracing::field::Empty;
use tracing::{Span, info_span};

use super::meters::AttemptOutcome;
#[cfg(feature = "ai")]
use super::model_meters::CallEnd;
use crate::value::RunId;

/// One attempt of a stage, or one check.
#[derive(Clone, Copy)]
pub(crate) struct AttemptSpan<'a> {
    pub(crate) run_id: RunId,
    pub(crate) workflow_id: &'a str,
    pub(crate) stage_id: &'a str,
    pub(crate) attempt: u32,
    pub(crate) generation: u32,
    pub(crate) lease_epoch: u64,
    pub(crate) worker_id: &'a str,
}

/// Returns the span of a call that creates a run, inside of the caller's span.
pub(crate) fn create(workflow_id: &str) -> Span {
    info_span!(
        "create",
        otel.name = %format_args!("create {workflow_id}"),
        otel.kind = "producer",
        otel.status_code = Empty,
        workflow_engine.run.id = Empty,
        workflow_engine.workflow.id = workflow_id,
        "error.type" = Empty,
    )
}

/// Records the run that was created, or that an earlier request with the same key has created.
pub(crate) fn created(span: &Span, run_id: RunId) {
    if !span.is_disabled() {
        span.record("workflow_engine.run.id", tracing::field::display(run_id));
    }
}

/// Returns the span of an attempt of a stage. It has no parent: the context of the run decides.
pub(crate) fn process(of: AttemptSpan<'_>) -> Span {
    info_span!(
        parent: None,
        "process",
        otel.name = %format_args!("process {}/{}", of.workflow_id, of.stage_id),
        otel.kind = "consumer",
        otel.status_code = Empty,
        workflow_engine.run.id = %of.run_id,
        workflow_engine.workflow.id = of.workflow_id,
        workflow_engine.stage.id = of.stage_id,
        workflow_engine.attempt = of.attempt,
        workflow_engine.generation = of.generation,
        workflow_engine.lease_epoch = of.lease_epoch,
        workflow_engine.worker.id = of.worker_id,
        workflow_engine.outcome = Empty,
        "error.type" = Empty,
    )
}

/// Returns the span of a check of a stage that waits.
pub(crate) fn check(of: AttemptSpan<'_>) -> Span {
    info_span!(
        parent: None,
        "check",
        otel.name = %format_args!("check {}/{}", of.workflow_id, of.stage_id),
        otel.kind = "consumer",
        otel.status_code = Empty,
        workflow_engine.run.id = %of.run_id,
        workflow_engine.workflow.id = of.workflow_id,
        workflow_engine.stage.id = of.stage_id,
        workflow_engine.attempt = of.attempt,
        workflow_engine.generation = of.generation,
        workflow_engine.lease_epoch = of.lease_epoch,
        workflow_engine.worker.id = of.worker_id,
        workflow_engine.outcome = Empty,
        "error.type" = Empty,
    )
}

/// Returns the span of one attempt to call a model.
#[cfg(feature = "ai")]
pub(crate) fn call(operation: &'static str, provider: &str, model_id: &str, attempt: u32) -> Span {
    info_span!(
        "chat",
        otel.name = %format_args!("{operation} {model_id}"),
        otel.kind = "client",
        otel.status_code = Empty,
        gen_ai.operation.name = operation,
        gen_ai.provider.name = provider,
        gen_ai.request.model = model_id,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        workflow_engine.attempt = attempt,
        "error.type" = Empty,
    )
}

/// Records how an attempt or a check has ended.
pub(crate) fn attempt_ended(span: &Span, outcome: AttemptOutcome) {
    if span.is_disabled() {
        return;
    }
    let name = outcome.name();
    span.record("workflow_engine.outcome", name);
    if outcome.is_failure() {
        failed(span, name);
    }
}

/// Records how a call of a model has ended.
#[cfg(feature = "ai")]
pub(crate) fn call_ended(span: &Span, end: CallEnd) {
    if span.is_disabled() {
        return;
    }
    match end {
        CallEnd::Settled { input_tokens, output_tokens, .. } => {
            span.record("gen_ai.usage.input_tokens", input_tokens);
            span.record("gen_ai.usage.output_tokens", output_tokens);
        }
        CallEnd::Failed => failed(span, "failed"),
        CallEnd::Unknown => failed(span, "unknown"),
    }
}

/// Records a failure by a name of a small set.
pub(crate) fn failed(span: &Span, kind: &str) {
    span.record("error.type", kind);
    span.record("otel.status_code", "error");
}
