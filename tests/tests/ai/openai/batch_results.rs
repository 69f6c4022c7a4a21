//! The results of batch items.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::http::{Answer, FakeServer, Piece};
use workflow_engine::ai::{AiError, AiErrorKind, BatchProvider, FinishReason, GenerateResponse, ItemResult};

use super::batches::{batch, submitted};
use super::{completion, openai, said, shows_nothing_of};

const ONE: &str = "/v1/batches/batch_abc123";
const OUTPUT: &str = "/v1/files/file-output/content";
const ERRORS: &str = "/v1/files/file-errors/content";

/// A line of the response file or the error file, as documented.
fn line(custom_id: &str, status_code: u16, body: &Value) -> String {
    let response = json!({ "status_code": status_code, "request_id": "req_123", "body": body });
    json!({ "id": "batch_req_wnaDys", "custom_id": custom_id, "response": response, "error": null })
        .to_string()
}

fn not_asked(custom_id: &str, code: &str) -> String {
    let message = "This request could not be executed before the completion window expired.";
    let error = json!({ "code": code, "message": message });
    json!({ "id": "batch_req_123", "custom_id": custom_id, "response": null, "error": error }).to_string()
}

struct Files<'a> {
    status: &'a str,
    output: Option<&'a [String]>,
    errors: Option<&'a [String]>,
}

async fn results(files: Files<'_>) -> Result<BTreeMap<String, Result<GenerateResponse, AiError>>, AiError> {
    let server = FakeServer::start().await;
    let mut body = batch("batch_abc123", files.status);
    for (name, id, path, lines) in [
        ("output_file_id", "file-output", OUTPUT, files.output),
        ("error_file_id", "file-errors", ERRORS, files.errors),
    ] {
        let Some(lines) = lines else { continue };
        body[name] = id.into();
        let mut text = lines.join("\n");
        text.push('\n');
        server.on("GET", path, Answer::text(200, "application/octet-stream", text));
    }
    server.on("GET", ONE, Answer::json(200, &body));
    let results = openai(&server).results(&submitted()).await?;
    let count = results.len();
    let results: BTreeMap<_, _> =
        results.into_iter().map(|ItemResult { custom_id, outcome }| (custom_id, outcome)).collect();
    assert_eq!(results.len(), count, "each once");
    Ok(results)
}

fn kind_of(outcome: &Result<GenerateResponse, AiError>) -> AiErrorKind {
    outcome.as_ref().unwrap_err().kind()
}

#[tokio::test]
async fn a_completed_batch_has_responses_and_errors() {
    let invalid =
        json!({ "error": { "message": "No such tool", "type": "invalid_request_error", "code": null } });
    let limited = json!({ "error": { "message": "Slow down", "code": "rate_limit_exceeded" } });
    let refused = completion(&json!({ "content": null, "refusal": "I'm sorry" }), "stop");
    // In an arbitrary order.
    let output = [
        line("item-3", 200, &said("three")),
        line("item-1", 200, &said("one")),
        line("item-5", 200, &refused),
    ];
    let errors = [line("item-2", 400, &invalid), line("item-4", 429, &limited)];
    let results =
        results(Files { status: "completed", output: Some(&output), errors: Some(&errors) }).await.unwrap();
    assert_eq!(results.len(), 5);
    let one = results["item-1"].as_ref().unwrap();
    assert_eq!(
        (one.text.as_str(), one.finish_reason, one.usage.output_tokens),
        ("one", FinishReason::Stop, 10)
    );
    assert_eq!(results["item-3"].as_ref().unwrap().text, "three");
    let two = results["item-2"].as_ref().unwrap_err();
    assert_eq!((two.kind(), two.status()), (AiErrorKind::InvalidRequest, Some(400)));
    assert_eq!(two.to_string(), "provider `openai` reported an error: No such tool (invalid_request_error)");
    assert_eq!(kind_of(&results["item-4"]), AiErrorKind::RateLimited);
    let five = results["item-5"].as_ref().unwrap_err();
    assert_eq!((five.kind(), five.usage().unwrap().input_tokens), (AiErrorKind::Refused, 19));
}

#[tokio::test]
async fn a_completed_batch_can_have_only_errors() {
    let failed = json!({ "error": { "message": "The server had an error", "type": "server_error" } });
    let errors = [line("item-1", 500, &failed)];
    let results = results(Files { status: "completed", output: None, errors: Some(&errors) }).await.unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(kind_of(&results["item-1"]), AiErrorKind::Overloaded);
}

#[tokio::test]
async fn an_expired_or_cancelled_batch_has_partial_results() {
    let cases = [
        ("expired", "batch_expired", AiErrorKind::Timeout),
        ("cancelled", "batch_cancelled", AiErrorKind::Cancelled),
    ];
    for (status, code, kind) in cases {
        let output = [line("item-1", 200, &said("one"))];
        let errors = [not_asked("item-2", code)];
        let both = Files { status, output: Some(&output), errors: Some(&errors) };
        let results = results(both).await.unwrap();
        assert_eq!(results["item-1"].as_ref().unwrap().text, "one");
        assert_eq!(kind_of(&results["item-2"]), kind);
        // The third item has no result.
        assert_eq!(results.len(), 2, "{status}");
    }
}

#[tokio::test]
async fn a_batch_that_failed_has_no_results() {
    let results = results(Files { status: "failed", output: None, errors: None }).await.unwrap();
    assert!(results.is_empty());
}

#[tokio::test]
async fn a_batch_that_is_not_terminal_has_no_results() {
    let output = [line("item-1", 200, &said("one"))];
    for status in ["validating", "in_progress", "finalizing", "cancelling"] {
        let error = results(Files { status, output: Some(&output), errors: None }).await.unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::InvalidRequest, "{status}");
    }
}

#[tokio::test]
async fn an_item_in_both_files_is_returned_once() {
    let output = [line("item-1", 200, &said("one"))];
    let errors = [
        not_asked("item-1", "batch_expired"),
        not_asked("item-2", "request_timeout"),
        not_asked("item-3", "odd"),
    ];
    let results =
        results(Files { status: "expired", output: Some(&output), errors: Some(&errors) }).await.unwrap();
    assert_eq!(results["item-1"].as_ref().unwrap().text, "one");
    assert_eq!(kind_of(&results["item-2"]), AiErrorKind::Timeout);
    assert_eq!(kind_of(&results["item-3"]), AiErrorKind::Overloaded);
}

#[tokio::test]
async fn an_invalid_response_fails_only_its_item() {
    let nothing = json!({ "custom_id": "item-3", "response": null, "error": null }).to_string();
    let output = [
        line("item-1", 200, &said("one")),
        line("item-2", 200, &json!({ "choices": "secret" })),
        nothing,
        String::new(),
        line("item-4", 200, &Value::Null),
    ];
    let results = results(Files { status: "completed", output: Some(&output), errors: None }).await.unwrap();
    assert_eq!(results["item-1"].as_ref().unwrap().text, "one");
    for item in ["item-2", "item-3", "item-4"] {
        assert_eq!(kind_of(&results[item]), AiErrorKind::InvalidResponse, "{item}");
        shows_nothing_of(results[item].as_ref().unwrap_err(), &["secret"]);
    }
}

#[tokio::test]
async fn an_unreadable_file_fails_the_whole_request() {
    let whole = line("item-1", 200, &said("secret"));
    let answers = [
        (
            Answer::pieces(200, "text/plain", [Piece::text(format!("{whole}\n{{\"cus")), Piece::Cut]),
            AiErrorKind::Connection,
        ),
        (
            Answer::text(200, "text/plain", format!("{whole}\n{{\"custom_id\": \"secret")),
            AiErrorKind::InvalidResponse,
        ),
        (Answer::text(200, "text/plain", "{\"response\": \"secret\"}"), AiErrorKind::InvalidResponse),
        (Answer::json(404, &json!({ "error": { "message": "No such File object" } })), AiErrorKind::NotFound),
    ];
    for (answer, kind) in answers {
        let server = FakeServer::start().await;
        let mut body = batch("batch_abc123", "completed");
        body["output_file_id"] = "file-output".into();
        server.on("GET", ONE, Answer::json(200, &body));
        server.on("GET", OUTPUT, answer);
        let error = openai(&server).results(&submitted()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        shows_nothing_of(&error, &["secret"]);
    }
}

#[tokio::test]
async fn lines_can_be_split_into_chunks_anywhere() {
    let text = [line("item-1", 200, &said("żółć")), line("item-2", 200, &said("🦀"))].join("\r\n");
    let server = FakeServer::start().await;
    let mut body = batch("batch_abc123", "completed");
    body["output_file_id"] = "file-output".into();
    // An empty file id counts as missing.
    body["error_file_id"] = "".into();
    server.on("GET", ONE, Answer::json(200, &body));
    let pieces = text.as_bytes().chunks(7).map(|piece| Piece::Bytes(piece.to_vec()));
    server.on("GET", OUTPUT, Answer::pieces(200, "application/octet-stream", pieces));
    let results = openai(&server).results(&submitted()).await.unwrap();
    let texts: Vec<String> = results.into_iter().map(|result| result.outcome.unwrap().text).collect();
    assert_eq!(texts, ["żółć", "🦀"]);
}
