//! A secret in every place where a payload can be: it is in no answer to who may not see payloads, and in no log.

use reqwest::Method;
use serde_json::{Value, json};
use tests::log_lines::LogLines;

use crate::support::{OPERATOR, READER, VIEWER, body, served};

const CANARY: &str = "canary-7f3a9";

#[tokio::test]
async fn a_secret_is_in_no_answer_without_payloads_and_in_no_log() {
    let logs = LogLines::record().await;
    let served = served().await;
    let run = json!({
        "workflow": "login",
        "input": { "account": { "user": CANARY, "password": CANARY } },
        "metadata": { "note": CANARY },
    });
    let id = body(served.post("/runs", &run).await).await["run_id"].as_str().unwrap().to_owned();
    served.get(&format!("/runs/{id}/output?wait=20s")).await;
    let note = json!({ "attributes": { "note": CANARY }, "payload": CANARY, "emit_event": true });
    served.post(&format!("/runs/{id}/annotations"), &note).await;
    served.get(&format!("/runs/{id}/output?reveal")).await;
    // The text of an error names places, and no values.
    let invalid = json!({ "workflow": "login", "input": { "account": { "user": 1, "password": CANARY } } });
    let refused = served.post("/runs", &invalid).await.text().await.unwrap();
    assert!(!refused.contains(CANARY), "{refused}");

    let document: Value = serde_json::from_str(&workflow_engine_server::openapi()).unwrap();
    let mut shown = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let path = path
            .replace("{run_id}", &id)
            .replace("{stage_id}", "check-account")
            .replace("{workflow_id}", "login");
        if operations.get("get").is_none() {
            continue;
        }
        let url = served.url(&path);
        let get = |token| served.client.request(Method::GET, &url).bearer_auth(token).send();
        let text = get(READER).await.unwrap().text().await.unwrap();
        assert!(!text.contains(CANARY), "{path}: {text}");
        let text = get(VIEWER).await.unwrap().text().await.unwrap();
        assert!(!text.contains(&format!("\"password\":\"{CANARY}")), "{path}: {text}");
        shown += usize::from(text.contains(CANARY));
    }
    assert!(shown >= 5, "who may see payloads sees them: {shown}");
    let lines = logs.all().concat();
    assert!(lines.contains("workflow_engine::audit"), "the log was captured: {lines}");
    for secret in [CANARY, OPERATOR, READER, VIEWER] {
        assert!(!lines.contains(secret), "{lines}");
    }
}
