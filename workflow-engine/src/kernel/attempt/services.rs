//! The services behind a body's context: its log, its effects, its artifacts, its calls and its clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::children::AttemptChildren;
use super::context::AttemptContext;
use super::effects::AttemptArtifacts;
use super::inputs::Inputs;
use super::ledger::AttemptLedger;
use super::log::AttemptLog;
use super::port_retry::BodyPorts;
use crate::context::{
    ContextParts, ContextServices, EffectBuffer, Pause, StageContext, StageResult, StageScope, TagSource,
};

/// The services of an attempt, which end with its body.
pub(super) struct Services {
    pub(super) began: DateTime<Utc>,
    /// The instant at which the attempt times out.
    pub(super) times_out: Option<DateTime<Utc>>,
    /// Tells the body to stop.
    pub(super) cancellation: CancellationToken,
    pub(super) log: Arc<AttemptLog>,
    pub(super) effects: Arc<EffectBuffer>,
    pub(super) ledger: Arc<AttemptLedger>,
    pub(super) ports: Arc<BodyPorts>,
}

/// The context of the body, without its inputs.
pub(super) struct BodyContext {
    scope: StageScope,
    traceparent: Option<String>,
    services: ContextServices,
}

impl Services {
    pub(super) fn new(attempt: &AttemptContext<'_>) -> (Self, BodyContext) {
        let AttemptContext { kernel, registered, stage, job, stop, .. } = *attempt;
        let began = kernel.clock().now();
        let times_out = attempt
            .settings
            .timeout
            .and_then(|timeout| TimeDelta::from_std(timeout).ok())
            .and_then(|timeout| began.checked_add_signed(timeout));
        let scope = StageScope {
            run_id: job.lease.run_id,
            workflow_id: job.workflow_id.clone(),
            stage_key: job.lease.stage_key.clone(),
            stage_name: &stage.name,
            stage_number: stage.number,
            attempt: job.attempt,
            max_attempts: attempt.last_attempt(),
            generation: job.lease.generation,
            deadline: times_out.into_iter().chain(job.deadline_at).min(),
            cancellation: stop.child_token(),
        };
        let log = Arc::new(AttemptLog::new(&scope));
        let effects = Arc::<EffectBuffer>::default();
        let ports = BodyPorts::new(kernel, &job.lease, stop);
        let ledger =
            Arc::new(AttemptLedger::new(Arc::clone(&ports), stage.budget, Arc::clone(kernel.meters())));
        let blobs = kernel.config().blobs.clone();
        let artifacts = AttemptArtifacts::new(Arc::clone(&ports), blobs, registered.definition());
        let services = ContextServices {
            reports: Arc::clone(&log) as _,
            effects: Arc::clone(&effects),
            artifacts: Arc::new(artifacts),
            calls: Arc::clone(&ledger) as _,
            tags: Arc::clone(&ports) as _,
            children: Arc::new(AttemptChildren::new(kernel, Arc::clone(&ports))),
            pause: Arc::clone(&ports) as _,
            extensions: kernel.config().extensions.clone(),
        };
        let port = kernel.config().trace_context.as_ref();
        let traceparent = port.and_then(|port| port.traceparent(&Span::current()));
        let cancellation = scope.cancellation.clone();
        (
            Self { began, times_out, cancellation, log, effects, ledger, ports },
            BodyContext { scope, traceparent, services },
        )
    }
}

impl BodyContext {
    pub(super) fn with(self, inputs: Inputs) -> StageContext {
        let Self { scope, traceparent, services } = self;
        let Inputs { reads: outputs, metadata, .. } = inputs;
        StageContext::new(ContextParts { scope, metadata, traceparent, outputs, services })
    }
}

/// The tags in the store, which only a body that asks for them reads.
impl TagSource for BodyPorts {
    fn tags(&self) -> BoxFuture<'_, StageResult<BTreeMap<String, String>>> {
        Box::pin(async { Ok(self.call(|| self.store.tags(self.lease().run_id)).await?) })
    }
}

/// The engine's clock, for bodies that pause.
impl Pause for BodyPorts {
    fn pause(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.clock.sleep(duration)
    }
}
