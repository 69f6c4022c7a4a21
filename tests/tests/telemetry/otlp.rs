//! One trace joins the caller of a run, its stage in another process, and the call of a model: the real exporters of
//! OpenTelemetry send their spans to a collector of the test.

use std::process::Command;

use serde_json::Value;
use tests::http::{Answer, FakeServer};
use tests::otlp::{SummarizeInput, Summary, export_spans};
use tracing::Instrument;
use workflow_engine::prelude::*;

/// A span that the collector has received.
#[derive(Debug)]
struct Span {
    name: String,
    trace: String,
    id: String,
    parent: String,
    attributes: Value,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn received(collector: &FakeServer) -> Vec<Span> {
    let mut spans = Vec::new();
    for request in collector.requests() {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/traces"));
        for resource in request.json()["resourceSpans"].as_array().unwrap() {
            for scope in resource["scopeSpans"].as_array().unwrap() {
                spans.extend(scope["spans"].as_array().unwrap().iter().map(|span| Span {
                    name: text(&span["name"]),
                    trace: text(&span["traceId"]),
                    id: text(&span["spanId"]),
                    parent: text(&span["parentSpanId"]),
                    attributes: span["attributes"].clone(),
                }));
            }
        }
    }
    spans
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_joins_the_caller_a_stage_in_another_process_and_its_call_of_a_model() {
    let collector = FakeServer::start().await;
    collector.always("POST", "/v1/traces", Answer::json(200, &serde_json::json!({})));
    let provider = export_spans(collector.url());
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("runs.db").to_str().unwrap().to_owned();
    let engine = Engine::builder(&database).register::<Summary>().without_worker().build().await.unwrap();
    let start = async { engine.start::<Summary>(SummarizeInput { text: "canary-5f3a".into() }).await };
    let run = start.instrument(tracing::info_span!("caller")).await.unwrap();

    let arguments = [database, collector.url().to_owned()];
    let worker = move || Command::new(env!("CARGO_BIN_EXE_traced_worker")).args(arguments).status().unwrap();
    assert!(tokio::task::spawn_blocking(worker).await.unwrap().success());
    let output = run.output().await.unwrap();
    engine.shutdown().await;
    tokio::task::spawn_blocking(move || provider.shutdown()).await.unwrap().unwrap();

    let spans = received(&collector);
    let find = |name: &str| {
        spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name}: {spans:#?}"))
    };
    let path = ["caller", "create summary", "process summary/summarize", "chat m-1"].map(find);
    for pair in path.windows(2) {
        assert_eq!((&pair[1].trace, &pair[1].parent), (&pair[0].trace, &pair[0].id), "{path:#?}");
    }
    // Requests of the stage continue the trace.
    assert_eq!(output, format!("Short. 00-{}-{}-01", path[2].trace, path[2].id));
    for span in &spans {
        assert!(!span.attributes.to_string().contains("canary-5f3a"), "{span:?}");
    }
}
