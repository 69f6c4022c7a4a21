//! Batches, from submission to every terminal state.

use serde_json::{Value, json};
use tests::http::Answer;
use workflow_engine::ai::{
    AiErrorKind, AiProvider, BatchItem, BatchProvider, BatchState, BatchStatus, SubmittedBatch,
};

use super::fixture::{KEY, answer, ask, said, start};

const SUBMIT: &str = "/v1beta/models/gemini-2.5-flash:batchGenerateContent";
const LIST: &str = "/v1beta/batches";
const BATCH: &str = "/v1beta/batches/123";

fn batch() -> SubmittedBatch {
    SubmittedBatch { id: "batches/123".to_owned() }
}

/// An operation as documented. Counts are strings, and zero counts are omitted.
fn told(name: &str, display_name: &str, state: &str) -> Value {
    json!({
        "name": name,
        "metadata": {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
            "model": "models/gemini-2.5-flash",
            "displayName": display_name,
            "state": state,
            "createTime": "2026-11-22T18:37:24.100435Z",
            "batchStats": {"requestCount": "3", "successfulRequestCount": "2"},
            "name": name,
        },
    })
}

fn item(id: &str) -> BatchItem {
    BatchItem { custom_id: id.to_owned(), request: ask("Is it?") }
}

#[tokio::test]
async fn a_submission() {
    let (server, provider) = start().await;
    server.on("POST", SUBMIT, Answer::json(200, &told("batches/123", "token-1", "BATCH_STATE_PENDING")));
    let mut second = item("two");
    second.request.instructions = Some("Be brief.".to_owned());
    second.request.provider_options = Some(json!({"generationConfig": {"seed": 7}}));
    let batches = provider.batches().unwrap();
    assert_eq!(batches.submit("token-1", &[item("one"), second]).await.unwrap(), batch());

    let request = server.request();
    assert_eq!(request.header("x-goog-api-key"), KEY);
    assert_eq!(request.query, "");
    let contents = json!([{"role": "user", "parts": [{"text": "Is it?"}]}]);
    let requests = json!([
        {"request": {"contents": contents}, "metadata": {"key": "one"}},
        {
            "request": {
                "contents": contents,
                "systemInstruction": {"parts": [{"text": "Be brief."}]},
                "generationConfig": {"seed": 7},
            },
            "metadata": {"key": "two"},
        },
    ]);
    let expected = json!({
        "batch": {"displayName": "token-1", "inputConfig": {"requests": {"requests": requests}}},
    });
    assert_eq!(request.json(), expected);
}

#[tokio::test]
async fn a_batch_has_items_of_one_model() {
    let (server, provider) = start().await;
    let mut other = item("two");
    other.request.model.id = "gemini-2.5-pro".to_owned();
    for items in [vec![], vec![item("one"), other]] {
        let error = provider.submit("token-1", &items).await.unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::InvalidRequest, "{error}");
    }
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn a_batch_is_found_by_its_token() {
    let (server, provider) = start().await;
    assert!(provider.finds_by_token());
    let first = json!({
        "operations": [told("batches/1", "token", "BATCH_STATE_RUNNING"), {"name": "batches/2"}],
        "nextPageToken": "more of it",
    });
    let second = json!({"operations": [told("batches/123", "token-1", "BATCH_STATE_RUNNING")]});
    server.on("GET", LIST, Answer::json(200, &first)).on("GET", LIST, Answer::json(200, &second));
    assert_eq!(provider.find("token-1").await.unwrap(), Some(batch()));
    let queries: Vec<String> = server.requests().into_iter().map(|request| request.query).collect();
    assert_eq!(queries, ["pageSize=100", "pageSize=100&pageToken=more+of+it"]);
}

#[tokio::test]
async fn a_batch_that_was_not_accepted_is_not_found() {
    let (server, provider) = start().await;
    server.on("GET", LIST, Answer::json(200, &json!({})));
    assert_eq!(provider.find("token-1").await.unwrap(), None);
    // It must not be reported as missing.
    server.on("GET", LIST, Answer::json(503, &json!({"error": {"code": 503, "status": "UNAVAILABLE"}})));
    assert_eq!(provider.find("token-1").await.unwrap_err().kind(), AiErrorKind::Overloaded);
    server.always("GET", LIST, Answer::json(200, &json!({"nextPageToken": "again"})));
    assert_eq!(provider.find("token-1").await.unwrap_err().kind(), AiErrorKind::InvalidResponse);
}

#[tokio::test]
async fn every_batch_state() {
    let states = [
        ("PENDING", BatchState::Pending),
        ("RUNNING", BatchState::Processing),
        ("SUCCEEDED", BatchState::Completed),
        ("FAILED", BatchState::Failed),
        ("CANCELLED", BatchState::Cancelled),
        ("EXPIRED", BatchState::Expired),
    ];
    let names = |prefix: &'static str| states.map(|(name, state)| (format!("{prefix}{name}"), state));
    let jobs = [
        ("JOB_STATE_QUEUED".to_owned(), BatchState::Pending),
        ("JOB_STATE_CANCELLING".to_owned(), BatchState::Processing),
        ("JOB_STATE_PARTIALLY_SUCCEEDED".to_owned(), BatchState::Completed),
    ];
    let (server, provider) = start().await;
    for (name, state) in names("BATCH_STATE_").into_iter().chain(names("JOB_STATE_")).chain(jobs) {
        server.on("GET", BATCH, Answer::json(200, &told("batches/123", "token-1", &name)));
        let expected = BatchStatus { state, succeeded: Some(2), failed: Some(0), message: None };
        assert_eq!(provider.status(&batch()).await.unwrap(), expected, "{name}");
    }
}

#[tokio::test]
async fn an_operation_without_a_state() {
    let (server, provider) = start().await;
    let failed = json!({"code": 3, "message": "the requests are wrong"});
    let outcomes = [
        (json!({"name": "batches/123"}), BatchState::Processing),
        (json!({"name": "batches/123", "done": true, "response": {}}), BatchState::Completed),
        (json!({"name": "batches/123", "done": true, "error": {"code": 1}}), BatchState::Cancelled),
        (json!({"name": "batches/123", "done": true, "error": failed}), BatchState::Failed),
    ];
    for (operation, state) in outcomes {
        server.on("GET", BATCH, Answer::json(200, &operation));
        let status = provider.status(&batch()).await.unwrap();
        assert_eq!((status.state, status.succeeded, status.failed), (state, None, None));
        let says_why = status.message.is_some_and(|message| message.contains("the requests are wrong"));
        assert_eq!(says_why, state == BatchState::Failed);
    }
}

#[tokio::test]
async fn an_undocumented_status() {
    let (server, provider) = start().await;
    server.on("GET", BATCH, Answer::json(200, &told("batches/123", "token-1", "BATCH_STATE_ASLEEP")));
    assert_eq!(provider.status(&batch()).await.unwrap_err().kind(), AiErrorKind::InvalidResponse);
    server.on("GET", BATCH, Answer::json(404, &json!({"error": {"code": 404, "status": "NOT_FOUND"}})));
    assert_eq!(provider.status(&batch()).await.unwrap_err().kind(), AiErrorKind::NotFound);
}

#[tokio::test]
async fn item_results() {
    let key = |id: &str| json!({"key": id});
    let failed = |id: &str, code: u16| json!({"error": {"code": code, "message": "no"}, "metadata": key(id)});
    let blocked = json!({"promptFeedback": {"blockReason": "SAFETY"}});
    let items = json!([
        {"response": said("It is."), "metadata": key("one")},
        {"response": answer(&json!([]), "SAFETY"), "metadata": key("filtered")},
        {"response": blocked, "metadata": key("blocked")},
        failed("wrong", 3),
        failed("stopped", 1),
        failed("late", 4),
        failed("slower", 8),
        failed("broken", 13),
        failed("http", 429),
        {"response": {"candidates": 1}, "metadata": key("odd")},
        {"metadata": key("nothing")},
    ]);
    let inlined = json!({"inlinedResponses": {"inlinedResponses": items}});
    // The guide documents the first field, the reference and the SDKs the second.
    let mut by_response = told("batches/123", "token-1", "BATCH_STATE_SUCCEEDED");
    by_response["done"] = true.into();
    by_response["response"] = inlined.clone();
    let mut by_metadata = told("batches/123", "token-1", "BATCH_STATE_SUCCEEDED");
    by_metadata["metadata"]["output"] = inlined;

    let (server, provider) = start().await;
    for operation in [by_response, by_metadata] {
        server.on("GET", BATCH, Answer::json(200, &operation));
        let mut items = provider.results(&batch()).await.unwrap().into_iter();
        let one = items.next().unwrap();
        assert_eq!((one.custom_id.as_str(), one.outcome.unwrap().text.as_str()), ("one", "It is."));
        assert_eq!(items.next().unwrap().outcome.unwrap().usage.output_tokens, 27);
        let rest: Vec<(String, AiErrorKind)> =
            items.map(|item| (item.custom_id, item.outcome.unwrap_err().kind())).collect();
        let expected = [
            ("blocked", AiErrorKind::Refused),
            ("wrong", AiErrorKind::InvalidRequest),
            ("stopped", AiErrorKind::Cancelled),
            ("late", AiErrorKind::Overloaded),
            ("slower", AiErrorKind::RateLimited),
            ("broken", AiErrorKind::Overloaded),
            ("http", AiErrorKind::RateLimited),
            ("odd", AiErrorKind::InvalidResponse),
            ("nothing", AiErrorKind::InvalidResponse),
        ];
        assert_eq!(rest, expected.map(|(id, kind)| (id.to_owned(), kind)));
    }
}

#[tokio::test]
async fn a_batch_that_stops_early_has_the_results_so_far() {
    let (server, provider) = start().await;
    for state in ["FAILED", "CANCELLED", "EXPIRED"] {
        let operation = told("batches/123", "token-1", &format!("BATCH_STATE_{state}"));
        server.on("GET", BATCH, Answer::json(200, &operation));
        assert!(provider.results(&batch()).await.unwrap().is_empty(), "{state}");
    }
    let mut operation = told("batches/123", "token-1", "BATCH_STATE_CANCELLED");
    let items = json!([{"response": said("It is."), "metadata": {"key": "one"}}]);
    operation["metadata"]["output"] = json!({"inlinedResponses": {"inlinedResponses": items}});
    server.on("GET", BATCH, Answer::json(200, &operation));
    assert_eq!(provider.results(&batch()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn missing_results_and_results_without_a_key() {
    let (server, provider) = start().await;
    server.on("GET", BATCH, Answer::json(200, &told("batches/123", "token-1", "BATCH_STATE_RUNNING")));
    // An empty list would mean that no item has a result.
    assert_eq!(provider.results(&batch()).await.unwrap_err().kind(), AiErrorKind::InvalidRequest);
    let mut operation = told("batches/123", "token-1", "BATCH_STATE_SUCCEEDED");
    let items = json!([{"response": said("It is.")}]);
    operation["response"] = json!({"inlinedResponses": {"inlinedResponses": items}});
    server.on("GET", BATCH, Answer::json(200, &operation));
    assert_eq!(provider.results(&batch()).await.unwrap_err().kind(), AiErrorKind::InvalidResponse);
}

#[tokio::test]
async fn a_cancellation() {
    let (server, provider) = start().await;
    let cancel = format!("{BATCH}:cancel");
    server.on("POST", &cancel, Answer::json(200, &json!({})));
    provider.cancel(&batch()).await.unwrap();
    assert_eq!(server.request().path, cancel);

    // Cancelling a terminal batch is not an error.
    let error = json!({"error": {"code": 400, "message": "no", "status": "FAILED_PRECONDITION"}});
    server.on("POST", &cancel, Answer::json(400, &error));
    server.on("GET", BATCH, Answer::json(200, &told("batches/123", "token-1", "BATCH_STATE_SUCCEEDED")));
    provider.cancel(&batch()).await.unwrap();
    server.on("POST", &cancel, Answer::json(400, &error));
    server.on("GET", BATCH, Answer::json(200, &told("batches/123", "token-1", "BATCH_STATE_RUNNING")));
    assert_eq!(provider.cancel(&batch()).await.unwrap_err().kind(), AiErrorKind::InvalidRequest);
    server.on("POST", &cancel, Answer::json(503, &json!({})));
    assert_eq!(provider.cancel(&batch()).await.unwrap_err().kind(), AiErrorKind::Overloaded);
}
