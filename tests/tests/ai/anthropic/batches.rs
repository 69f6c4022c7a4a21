//! Message batches, from submission to every terminal state.

use serde_json::{Value, json};
use tests::http::{Answer, FakeServer, Piece};
use workflow_engine::ai::{
    AiErrorKind, AiProvider, BatchItem, BatchProvider, BatchState, BatchStatus, FinishReason, SubmittedBatch,
};

use super::fixture::{KEY, ask, message, said, start};

const BATCHES: &str = "/v1/messages/batches";
const BATCH: &str = "/v1/messages/batches/msgbatch_1";
const RESULTS: &str = "/v1/messages/batches/msgbatch_1/results";

fn batch() -> SubmittedBatch {
    SubmittedBatch { id: "msgbatch_1".to_owned() }
}

/// A batch as documented. The counts are `processing`, `succeeded`, `errored`, `canceled`, `expired`.
fn told(status: &str, counts: [u32; 5]) -> Value {
    let [processing, succeeded, errored, canceled, expired] = counts;
    let counts = json!({
        "processing": processing,
        "succeeded": succeeded,
        "errored": errored,
        "canceled": canceled,
        "expired": expired,
    });
    json!({
        "id": "msgbatch_1",
        "type": "message_batch",
        "processing_status": status,
        "request_counts": counts,
        "created_at": "2026-11-22T18:37:24.100435Z",
        "expires_at": "2026-11-23T18:37:24.100435Z",
        "ended_at": null,
        "results_url": null,
    })
}

async fn status(status: &str, counts: [u32; 5]) -> BatchStatus {
    let (server, provider) = start().await;
    server.on("GET", BATCH, Answer::json(200, &told(status, counts)));
    provider.status(&batch()).await.unwrap()
}

#[tokio::test]
async fn a_submission() {
    let (server, provider) = start().await;
    server.on("POST", BATCHES, Answer::json(200, &told("in_progress", [2, 0, 0, 0, 0])));
    let mut second = ask("Is it not?");
    second.max_tokens = Some(10);
    second.provider_options = Some(json!({"service_tier": "standard_only"}));
    let items = [
        BatchItem { custom_id: "one".to_owned(), request: ask("Is it?") },
        BatchItem { custom_id: "two".to_owned(), request: second },
    ];
    let batches = provider.batches().unwrap();
    assert_eq!(batches.submit("token-1", &items).await.unwrap(), batch());

    let request = server.request();
    assert_eq!(request.header("x-api-key"), KEY);
    assert_eq!(request.header("anthropic-version"), "2023-06-01");
    let messages = |text: &str| json!([{"role": "user", "content": [{"type": "text", "text": text}]}]);
    let expected = json!({"requests": [
        {"custom_id": "one", "params": {
            "model": "claude-sonnet-4-5",
            "max_tokens": 4096,
            "messages": messages("Is it?"),
        }},
        {"custom_id": "two", "params": {
            "model": "claude-sonnet-4-5",
            "max_tokens": 10,
            "messages": messages("Is it not?"),
            "service_tier": "standard_only",
        }},
    ]});
    assert_eq!(request.json(), expected);
}

#[tokio::test]
async fn a_refused_batch() {
    let (server, provider) = start().await;
    let error = json!({"type": "error", "error": {"type": "request_too_large", "message": "too large"}});
    server.on("POST", BATCHES, Answer::json(413, &error));
    let items = [BatchItem { custom_id: "one".to_owned(), request: ask("Is it?") }];
    let error = provider.submit("token-1", &items).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::InvalidRequest);
}

#[tokio::test]
async fn a_batch_cannot_be_found_by_its_token() {
    let (server, provider) = start().await;
    assert!(!provider.finds_by_token());
    assert_eq!(provider.find("token-1").await.unwrap(), None);
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn every_batch_state() {
    for under_way in ["in_progress", "canceling"] {
        let expected =
            BatchStatus { state: BatchState::Processing, succeeded: None, failed: None, message: None };
        assert_eq!(status(under_way, [4, 0, 0, 0, 0]).await, expected);
    }
    let ends = [
        ([0, 4, 0, 0, 0], BatchState::Completed, (4, 0)),
        ([0, 2, 1, 0, 1], BatchState::Completed, (2, 2)),
        ([0, 0, 4, 0, 0], BatchState::Completed, (0, 4)),
        ([0, 1, 0, 3, 0], BatchState::Completed, (1, 3)),
        ([0, 0, 0, 4, 0], BatchState::Cancelled, (0, 4)),
        ([0, 0, 0, 1, 3], BatchState::Cancelled, (0, 4)),
        ([0, 0, 0, 0, 4], BatchState::Expired, (0, 4)),
    ];
    for (counts, state, (succeeded, failed)) in ends {
        let expected = BatchStatus { state, succeeded: Some(succeeded), failed: Some(failed), message: None };
        assert_eq!(status("ended", counts).await, expected, "{counts:?}");
    }
}

#[tokio::test]
async fn an_undocumented_status() {
    let (server, provider) = start().await;
    server.on("GET", BATCH, Answer::json(200, &told("asleep", [1, 0, 0, 0, 0])));
    assert_eq!(provider.status(&batch()).await.unwrap_err().kind(), AiErrorKind::InvalidResponse);
    let error = json!({"type": "error", "error": {"type": "not_found_error", "message": "no such batch"}});
    server.on("GET", BATCH, Answer::json(404, &error));
    assert_eq!(provider.status(&batch()).await.unwrap_err().kind(), AiErrorKind::NotFound);
}

fn results(server: &FakeServer, lines: &[Value]) {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    // Without a line break at the end, and with an empty line in between.
    server.on("GET", RESULTS, Answer::text(200, "application/x-jsonl", lines.join("\n\n")));
}

#[tokio::test]
async fn item_results() {
    let (server, provider) = start().await;
    let line = |id: &str, result: Value| json!({"custom_id": id, "result": result});
    let failed = |kind: &str| {
        let error = json!({"type": "error", "error": {"type": kind, "message": "no"}, "request_id": null});
        json!({"type": "errored", "error": error})
    };
    let tool = json!([{"type": "tool_use", "id": "toolu_1", "name": "answer_with_object", "input": {"city": "Rome"}}]);
    results(
        &server,
        &[
            line("two", json!({"type": "succeeded", "message": said("It is not.")})),
            line("one", json!({"type": "succeeded", "message": message(&tool, "tool_use")})),
            line("refused", json!({"type": "succeeded", "message": message(&json!([]), "refusal")})),
            line("wrong", failed("invalid_request_error")),
            line("broken", failed("api_error")),
            line("stopped", json!({"type": "canceled"})),
            line("late", json!({"type": "expired"})),
            line("new", json!({"type": "postponed"})),
            line("odd", json!({"type": "succeeded", "message": {"content": 1}})),
        ],
    );
    let items = provider.results(&batch()).await.unwrap();
    let ids: Vec<&str> = items.iter().map(|item| item.custom_id.as_str()).collect();
    assert_eq!(ids, ["two", "one", "refused", "wrong", "broken", "stopped", "late", "new", "odd"]);
    let two = items[0].outcome.as_ref().unwrap();
    assert_eq!((two.text.as_str(), two.finish_reason), ("It is not.", FinishReason::Stop));
    assert_eq!(two.usage.input_tokens, 1112);
    assert_eq!(items[1].outcome.as_ref().unwrap().text, r#"{"city":"Rome"}"#);
    let kinds: Vec<AiErrorKind> =
        items[2..].iter().map(|item| item.outcome.as_ref().unwrap_err().kind()).collect();
    let expected = [
        AiErrorKind::Refused,
        AiErrorKind::InvalidRequest,
        AiErrorKind::Overloaded,
        AiErrorKind::Cancelled,
        AiErrorKind::Timeout,
        AiErrorKind::InvalidResponse,
        AiErrorKind::InvalidResponse,
    ];
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn incomplete_results() {
    let (server, provider) = start().await;
    let line = json!({"custom_id": "one", "result": {"type": "canceled"}}).to_string();
    let half = Piece::text(format!("{line}\n{}", &line[..20]));
    server.on("GET", RESULTS, Answer::pieces(200, "application/x-jsonl", [half.clone(), Piece::Cut]));
    assert_eq!(provider.results(&batch()).await.unwrap_err().kind(), AiErrorKind::Connection);
    server.on("GET", RESULTS, Answer::pieces(200, "application/x-jsonl", [half]));
    assert_eq!(provider.results(&batch()).await.unwrap_err().kind(), AiErrorKind::InvalidResponse);
}

#[tokio::test]
async fn a_cancellation() {
    let (server, provider) = start().await;
    server.on("POST", &format!("{BATCH}/cancel"), Answer::json(200, &told("canceling", [2, 0, 0, 0, 0])));
    provider.cancel(&batch()).await.unwrap();
    assert_eq!(server.request().path, format!("{BATCH}/cancel"));

    // Cancelling a terminal batch is not an error.
    let error =
        json!({"type": "error", "error": {"type": "invalid_request_error", "message": "it has ended"}});
    let cancel = format!("{BATCH}/cancel");
    server.on("POST", &cancel, Answer::json(400, &error));
    server.on("GET", BATCH, Answer::json(200, &told("ended", [0, 2, 0, 0, 0])));
    provider.cancel(&batch()).await.unwrap();
    server.on("POST", &cancel, Answer::json(400, &error));
    server.on("GET", BATCH, Answer::json(200, &told("in_progress", [2, 0, 0, 0, 0])));
    assert_eq!(provider.cancel(&batch()).await.unwrap_err().kind(), AiErrorKind::InvalidRequest);
    server.on("POST", &cancel, Answer::json(529, &json!({})));
    assert_eq!(provider.cancel(&batch()).await.unwrap_err().kind(), AiErrorKind::Overloaded);
}
