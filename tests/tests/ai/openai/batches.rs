//! The submission, the search and the cancellation of batches.

use serde_json::{Value, json};
use tests::http::{Answer, FakeServer};
use workflow_engine::ai::providers::OpenAi;
use workflow_engine::ai::{AiErrorKind, AiProvider, BatchItem, BatchProvider, ObjectSchema, SubmittedBatch};

use super::{KEY, ask, model, openai, shows_nothing_of};

pub(super) const BATCHES: &str = "/v1/batches";
const FILES: &str = "/v1/files";

/// A batch as OpenAI documents it, with this status.
pub(super) fn batch(id: &str, status: &str) -> Value {
    json!({
        "id": id,
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "errors": null,
        "input_file_id": "file-abc123",
        "completion_window": "24h",
        "status": status,
        "output_file_id": null,
        "error_file_id": null,
        "created_at": 1_711_471_533,
        "in_progress_at": null,
        "expires_at": 1_711_557_933,
        "request_counts": { "total": 3, "completed": 0, "failed": 0 },
        "metadata": { "token": "run-7.stage-2" },
    })
}

pub(super) fn submitted() -> SubmittedBatch {
    SubmittedBatch { id: "batch_abc123".to_owned() }
}

fn item(custom_id: &str, text: &str) -> BatchItem {
    BatchItem { custom_id: custom_id.to_owned(), request: ask(text) }
}

fn file() -> Answer {
    Answer::json(200, &json!({ "id": "file-abc123", "object": "file", "bytes": 120_000, "purpose": "batch" }))
}

#[tokio::test]
async fn items_are_uploaded_as_a_file_and_submitted_as_a_batch() {
    let server = FakeServer::start().await;
    server.on("POST", FILES, file());
    server.on("POST", BATCHES, Answer::json(200, &batch("batch_abc123", "validating")));
    let mut second = item("item-2", "Two\nlines");
    second.request.temperature = Some(0.0);
    let schema = json!({ "type": "object", "properties": {}, "additionalProperties": false });
    second.request.schema = Some(ObjectSchema { name: "nothing".to_owned(), schema: schema.clone() });
    let provider = openai(&server);
    let batches = provider.batches().unwrap();
    let batch = batches.submit("run-7.stage-2", &[item("item-1", "One"), second]).await.unwrap();
    assert_eq!(batch, submitted());

    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    let upload = &requests[0];
    assert_eq!((upload.method.as_str(), upload.path.as_str()), ("POST", FILES));
    assert_eq!(upload.header("authorization"), format!("Bearer {KEY}"));
    let form = upload.form();
    assert_eq!(form.keys().collect::<Vec<_>>(), ["file", "purpose"]);
    assert_eq!(form["purpose"].content, "batch");
    assert_eq!(form["file"].file_name.as_deref(), Some("batch.jsonl"));
    let lines: Vec<Value> =
        form["file"].content.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |custom_id: &str, body: Value| json!({ "custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body });
    let format = json!({ "name": "nothing", "strict": true, "schema": {
        "type": "object", "properties": {}, "required": [], "additionalProperties": false,
    } });
    let expected = [
        line("item-1", json!({ "model": "gpt-5-mini", "messages": [{ "role": "user", "content": "One" }] })),
        line(
            "item-2",
            json!({
                "model": "gpt-5-mini",
                "messages": [{ "role": "user", "content": "Two\nlines" }],
                "temperature": 0.0,
                "response_format": { "type": "json_schema", "json_schema": format },
            }),
        ),
    ];
    assert_eq!(lines, expected);

    let expected = json!({
        "input_file_id": "file-abc123",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "metadata": { "token": "run-7.stage-2" },
    });
    assert_eq!((requests[1].path.as_str(), requests[1].json()), (BATCHES, expected));
}

#[tokio::test]
async fn a_batch_that_openai_would_refuse_is_not_sent() {
    let server = FakeServer::start().await;
    let provider = openai(&server);
    let mut other = item("item-2", "Two");
    other.request.model = model("gpt-5");
    let many = vec![item("item", "One"); 50_001];
    for items in [&[], &[item("item-1", "One"), other][..], &many] {
        let error = provider.submit("token", items).await.unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::InvalidRequest);
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_refused_file_or_batch_is_an_error() {
    let server = FakeServer::start().await;
    let refused = json!({ "error": { "message": "Slow down", "code": "rate_limit_exceeded" } });
    server.on("POST", FILES, Answer::json(429, &refused).header("retry-after", "5"));
    let error = openai(&server).submit("token", &[item("item-1", "One")]).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after().unwrap().as_secs()), (AiErrorKind::RateLimited, 5));

    server.on("POST", FILES, file());
    let refused =
        json!({ "error": { "message": "Enqueued token limit reached", "code": "token_limit_exceeded" } });
    server.on("POST", BATCHES, Answer::json(400, &refused));
    let error = openai(&server).submit("token", &[item("item-1", "One")]).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::InvalidRequest);

    // The batch may exist: `find` returns it.
    server.on("POST", FILES, file());
    server.on("POST", BATCHES, Answer::cut());
    let error = openai(&server).submit("token", &[item("item-1", "One")]).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::Connection);
}

/// A page of the list, which ends with `last`.
fn page(batches: &[Value], has_more: bool) -> Answer {
    let (first, last) = (batches.first().map(|batch| &batch["id"]), batches.last().map(|batch| &batch["id"]));
    let body = json!({ "object": "list", "data": batches, "first_id": first, "last_id": last, "has_more": has_more });
    Answer::json(200, &body)
}

fn other(id: &str, metadata: &Value) -> Value {
    let mut other = batch(id, "completed");
    other["metadata"] = metadata.clone();
    other
}

#[tokio::test]
async fn a_batch_is_found_again_by_its_token_however_far_back_it_is() {
    let server = FakeServer::start().await;
    let provider = openai(&server);
    assert!(provider.finds_by_token());
    let newer = [other("batch_3", &Value::Null), other("batch_2", &json!({ "token": "run-8.stage-2" }))];
    server.on("GET", BATCHES, page(&newer, true));
    server.on(
        "GET",
        BATCHES,
        page(&[other("batch_1", &json!({})), batch("batch_abc123", "in_progress")], true),
    );
    assert_eq!(provider.find("run-7.stage-2").await.unwrap(), Some(submitted()));
    let queries: Vec<String> = server.requests().into_iter().map(|request| request.query).collect();
    assert_eq!(queries, ["limit=100", "limit=100&after=batch_2"]);
}

#[tokio::test]
async fn a_batch_that_was_not_accepted_is_not_found() {
    let server = FakeServer::start().await;
    let provider = openai(&server);
    server.on("GET", BATCHES, page(&[other("batch_1", &json!({ "token": "else" }))], true));
    server.on("GET", BATCHES, page(&[], false));
    assert_eq!(provider.find("run-7.stage-2").await.unwrap(), None);
    // A server that always reports another page does not cause an endless loop.
    server.always("GET", BATCHES, page(&[other("batch_1", &Value::Null)], true));
    assert_eq!(provider.find("run-7.stage-2").await.unwrap(), None);
    server.on("GET", BATCHES, Answer::json(500, &json!({})));
    assert_eq!(provider.find("run-7.stage-2").await.unwrap_err().kind(), AiErrorKind::Overloaded);
}

#[tokio::test]
async fn cancelling_a_terminal_batch_succeeds() {
    let (server, cancel, one) =
        (FakeServer::start().await, "/v1/batches/batch_abc123/cancel", "/v1/batches/batch_abc123");
    let provider = openai(&server);
    server.on("POST", cancel, Answer::json(200, &batch("batch_abc123", "cancelling")));
    provider.cancel(&submitted()).await.unwrap();
    assert_eq!(server.request().path, cancel);

    let conflict = json!({ "error": { "message": "Cannot cancel a batch with status 'completed'." } });
    server.on("POST", cancel, Answer::json(409, &conflict));
    server.on("GET", one, Answer::json(200, &batch("batch_abc123", "completed")));
    provider.cancel(&submitted()).await.unwrap();

    server.on("POST", cancel, Answer::json(409, &conflict));
    server.on("GET", one, Answer::json(200, &batch("batch_abc123", "in_progress")));
    let error = provider.cancel(&submitted()).await.unwrap_err();
    assert_eq!(error.status(), Some(409));

    server.on("POST", cancel, Answer::json(404, &json!({ "error": { "message": "No such batch" } })));
    assert_eq!(provider.cancel(&submitted()).await.unwrap_err().kind(), AiErrorKind::NotFound);
    server.on("POST", cancel, Answer::json(500, &json!({})));
    assert_eq!(provider.cancel(&submitted()).await.unwrap_err().kind(), AiErrorKind::Overloaded);
}

#[tokio::test]
async fn the_id_of_a_batch_is_escaped_in_the_path() {
    let server = FakeServer::start().await;
    let strange = SubmittedBatch { id: "../models?x=1#y z".to_owned() };
    let error = openai(&server).status(&strange).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::NotFound);
    assert_eq!(server.request().query, "");
    assert!(server.request().path.starts_with("/v1/batches/"), "{}", server.request().path);
    shows_nothing_of(&error, &[KEY]);
}

#[tokio::test]
async fn another_server_has_batches_if_they_are_enabled() {
    let server = FakeServer::start().await;
    server.on("GET", BATCHES, page(&[], false));
    let local = OpenAi::compatible("local", &format!("{}/v1", server.url())).unwrap();
    assert!(local.batches().is_none());
    let local = local.with_batches();
    assert_eq!(local.batches().unwrap().find("token").await.unwrap(), None);
}
