//! The states of batches.

use serde_json::{Value, json};
use tests::http::{Answer, FakeServer};
use workflow_engine::ai::{AiError, AiErrorKind, BatchProvider, BatchState, BatchStatus};

use super::batches::{batch, submitted};
use super::{openai, shows_nothing_of};

async fn status(body: &Value) -> Result<BatchStatus, AiError> {
    let server = FakeServer::start().await;
    server.on("GET", "/v1/batches/batch_abc123", Answer::json(200, body));
    openai(&server).status(&submitted()).await
}

#[tokio::test]
async fn every_status_has_its_state() {
    let states = [
        ("validating", BatchState::Pending),
        ("in_progress", BatchState::Processing),
        ("finalizing", BatchState::Processing),
        ("cancelling", BatchState::Processing),
        ("completed", BatchState::Completed),
        ("failed", BatchState::Failed),
        ("expired", BatchState::Expired),
        ("cancelled", BatchState::Cancelled),
    ];
    for (name, state) in states {
        let mut body = batch("batch_abc123", name);
        body["request_counts"] = json!({ "total": 100, "completed": 95, "failed": 5 });
        let expected = BatchStatus { state, succeeded: Some(95), failed: Some(5), message: None };
        assert_eq!(status(&body).await.unwrap(), expected, "{name}");
    }
}

#[tokio::test]
async fn an_undocumented_status_is_an_invalid_response() {
    let error = status(&batch("batch_abc123", "sleeping")).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::InvalidResponse);
}

#[tokio::test]
async fn a_failed_batch_has_a_message() {
    let mut body = batch("batch_abc123", "failed");
    body["request_counts"] = Value::Null;
    let mistake = |line: Value, message: &str| json!({ "code": "invalid_json_line", "line": line, "message": message, "param": null });
    body["errors"] = json!({ "object": "list", "data": [
        mistake(json!(2), "This line is not parseable as valid JSON."),
        mistake(Value::Null, "The file is empty, says sk-proj-123456."),
    ] });
    let failed = status(&body).await.unwrap();
    assert_eq!((failed.state, failed.succeeded, failed.failed), (BatchState::Failed, None, None));
    let message = "line 2: This line is not parseable as valid JSON.; The file is empty, says […]";
    assert_eq!(failed.message.as_deref(), Some(message));

    let many: Vec<Value> = (1..=50_000).map(|line| mistake(json!(line), "No.")).collect();
    body["errors"]["data"] = many.into();
    let message = status(&body).await.unwrap().message;
    assert_eq!(message.as_deref(), Some("line 1: No.; line 2: No.; line 3: No.; and more"));
}

#[tokio::test]
async fn a_missing_batch_is_not_found() {
    let server = FakeServer::start().await;
    let body = json!({ "error": { "message": "No batch found with id 'batch_abc123'.", "type": "invalid_request_error" } });
    server.on("GET", "/v1/batches/batch_abc123", Answer::json(404, &body));
    let error = openai(&server).status(&submitted()).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (AiErrorKind::NotFound, Some(404)));
    shows_nothing_of(&error, &[super::KEY]);
}
