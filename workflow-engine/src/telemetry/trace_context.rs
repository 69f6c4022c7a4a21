//! The port that carries traces from one process to the next.

use tracing::Span;

/// Carries a trace from the caller of a run to its stages in other processes. The engine makes the spans; an
/// implementation knows what they are in the tracing system of the program. The feature `otel` has one for
/// OpenTelemetry.
///
/// The texts are values of the header `traceparent` in the form of W3C. The engine calls it only for spans that a
/// subscriber has enabled.
pub trait TraceContext: Send + Sync {
    /// Returns the context of a span, for another process; `None` where no trace is recorded.
    fn traceparent(&self, span: &Span) -> Option<String>;

    /// Makes a span that was not entered yet a child of this context.
    fn set_parent(&self, span: &Span, traceparent: &str);

    /// Links a span that was not entered yet to this context.
    fn add_link(&self, span: &Span, traceparent: &str);
}
