//! The trace context of OpenTelemetry.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::trace_context::TraceContext;

/// The trace context of OpenTelemetry: spans are those of `tracing` that the layer of the crate `tracing-opentelemetry`
/// records. An engine has it by default if the feature `otel` is on.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenTelemetry;

impl TraceContext for OpenTelemetry {
    fn traceparent(&self, span: &Span) -> Option<String> {
        // A program may also use OpenTelemetry without `tracing`.
        text(&span.context()).or_else(|| text(&Context::current()))
    }

    fn set_parent(&self, span: &Span, traceparent: &str) {
        let Some(parent) = parse(traceparent) else { return };
        if let Err(error) = span.set_parent(Context::new().with_remote_span_context(parent)) {
            tracing::debug!(%error, "a span is not a part of the trace of the run's caller");
        }
    }

    fn add_link(&self, span: &Span, traceparent: &str) {
        if let Some(linked) = parse(traceparent) {
            span.add_link(linked);
        }
    }
}

fn text(context: &Context) -> Option<String> {
    let span = context.span();
    let own = span.span_context();
    let flags = own.trace_flags().to_u8();
    own.is_valid().then(|| format!("00-{}-{}-{flags:02x}", own.trace_id(), own.span_id()))
}

fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.split('-').skip(1);
    let trace_id = TraceId::from_hex(parts.next()?).ok()?;
    let span_id = SpanId::from_hex(parts.next()?).ok()?;
    let flags = u8::from_str_radix(parts.next()?, 16).ok()?;
    let context = SpanContext::new(trace_id, span_id, TraceFlags::new(flags), true, TraceState::default());
    context.is_valid().then_some(context)
}
