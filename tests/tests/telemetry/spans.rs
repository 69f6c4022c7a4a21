//! The spans of the engine: their names, fields and parents, and that no span contains a secret.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tests::models::{client, usage};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Instrument, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use workflow_engine::ai::ScriptedProvider;
use workflow_engine::testing::TestEngine;

use crate::workflows::{AnswerInput, Asking, FetchInput, Filing};

const CANARY: &str = "canary-5f3a";

/// A span with its fields as text, and the name of its parent.
#[derive(Clone, Debug, Default)]
struct Recorded {
    id: u64,
    parent: Option<u64>,
    fields: BTreeMap<&'static str, String>,
}

impl Recorded {
    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl Visit for Recorded {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

/// Records every span.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Recorded>>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let parent = context.span(id).unwrap().parent().map(|parent| parent.id().into_u64());
        // The registry gives ids of closed spans to new ones.
        let mut span = Recorded { id: id.into_u64(), parent, ..Recorded::default() };
        attributes.record(&mut span);
        self.0.lock().unwrap().push(span);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut spans = self.0.lock().unwrap();
        let span = spans.iter_mut().rfind(|span| span.id == id.into_u64()).unwrap();
        values.record(span);
    }
}

impl Recorder {
    fn named(&self, name: &str) -> Vec<Recorded> {
        let spans = self.0.lock().unwrap();
        spans.iter().filter(|span| span.field("otel.name") == name).cloned().collect()
    }
}

#[tokio::test]
async fn starts_attempts_checks_and_calls_have_spans_without_secrets() {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(recorder.clone()));
    let provider = ScriptedProvider::new("test").text(CANARY, usage(3, 5));
    let mut test = TestEngine::<Filing>::new();
    test.register::<Asking>().ai(client(&provider).build().unwrap());
    let filed = test.run(FetchInput { fails: false }).await;
    test.run(FetchInput { fails: true }).await.output.unwrap_err();
    let engine = test.engine().await;
    let start = engine.start::<Asking>(AnswerInput { question: CANARY.into() });
    let caller = tracing::info_span!("caller", otel.name = "caller");
    let run = async { start.idempotency_key(CANARY).tag("customer", CANARY).metadata(CANARY).await };
    let run = run.instrument(caller.clone()).await.unwrap();
    assert_eq!(test.finish(&run).await.output.unwrap(), CANARY);

    let create = &recorder.named("create asking")[0];
    assert_eq!((create.parent, create.field("otel.kind")), (caller.id().map(|id| id.into_u64()), "producer"));
    assert_eq!(create.field("workflow_engine.run.id"), run.id().to_string());

    let attempts = recorder.named("process filing/fetch");
    let outcomes: Vec<_> = attempts
        .iter()
        .map(|span| {
            (
                span.field("workflow_engine.attempt"),
                span.field("workflow_engine.outcome"),
                span.field("error.type"),
            )
        })
        .collect();
    assert_eq!(outcomes, [("1", "retried", "retried"), ("2", "completed", ""), ("1", "failed", "failed")]);
    let first = &attempts[0];
    assert_eq!((first.parent, first.field("otel.kind")), (None, "consumer"));
    assert_eq!(first.field("workflow_engine.run.id"), filed.id.to_string());
    for field in ["workflow_engine.generation", "workflow_engine.lease_epoch"] {
        assert_eq!(first.field(field), "1", "{field}");
    }
    let submit = recorder.named("process filing/submit");
    assert_eq!(submit[0].field("workflow_engine.outcome"), "suspended");
    let checks = recorder.named("check filing/submit");
    let outcomes: Vec<_> = checks.iter().map(|span| span.field("workflow_engine.outcome")).collect();
    assert_eq!(outcomes, ["suspended", "completed"]);

    let call = &recorder.named("chat m-1")[0];
    assert_eq!(call.parent, Some(recorder.named("process asking/answer")[0].id));
    for (field, value) in [
        ("otel.kind", "client"),
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "test"),
        ("gen_ai.request.model", "m-1"),
        ("gen_ai.usage.input_tokens", "3"),
        ("gen_ai.usage.output_tokens", "5"),
    ] {
        assert_eq!(call.field(field), value, "{field}");
    }

    for span in &*recorder.0.lock().unwrap() {
        for (field, value) in &span.fields {
            assert!(!value.contains(CANARY) && !value.contains("hunter2"), "{field} of {span:?}");
        }
    }
}
