//! Payloads, byte for byte.

use reqwest::Method;
use serde_json::json;

use crate::support::{OPERATOR, READER, VIEWER, problem, served};

#[tokio::test]
async fn a_payload_is_returned_as_it_is_stored() {
    let served = served().await;
    let id = served.run("calculation", json!({ "number": 9_007_199_254_740_993_u64 })).await;
    for (path, text) in [
        ("input", r#"{"number":9007199254740993}"#),
        ("config", r#"{"increment":{},"multiply":{"factor":2}}"#),
        ("metadata", "null"),
        ("output", "18014398509481987"),
        ("stages/multiply/output", "18014398509481986"),
        ("stages/multiply/config", r#"{"factor":2}"#),
    ] {
        let response = served.get_as(VIEWER, &format!("/runs/{id}/{path}")).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["x-total-bytes"], text.len().to_string(), "{path}");
        assert_eq!(response.headers()["content-type"], "application/json");
        let name = response.headers()["content-disposition"].to_str().unwrap().to_owned();
        assert!(name.starts_with("attachment; filename=\"") && name.ends_with(".json\""), "{name}");
        let tag = response.headers()["etag"].to_str().unwrap().to_owned();
        assert_eq!(response.text().await.unwrap(), text);
        let again =
            served.request(Method::GET, &format!("/runs/{id}/{path}"), VIEWER).header("if-none-match", tag);
        assert_eq!(again.send().await.unwrap().status(), 304, "{path}");
        problem(served.get_as(READER, &format!("/runs/{id}/{path}")).await, 403, "FORBIDDEN").await;
    }
    for path in
        ["stages/none/output", "stages/none/config", "stages/multiply/ticket", "artifacts/multiply/none"]
    {
        problem(served.get(&format!("/runs/{id}/{path}")).await, 404, "NOT_FOUND").await;
    }
}

#[tokio::test]
async fn a_preview_is_cut_between_characters() {
    let served = served().await;
    let question = "é".repeat(100);
    let id = served.start("asking", json!({ "question": question })).await;
    let whole = json!({ "question": question }).to_string();
    let response = served.get(&format!("/runs/{id}/input?preview=16")).await;
    assert_eq!(response.headers()["x-total-bytes"], whole.len().to_string());
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    let text = response.text().await.unwrap();
    assert!(whole.starts_with(&text) && text.len() == 15, "{text}");
    let all = served.get(&format!("/runs/{id}/input?preview=100000")).await;
    assert_eq!(all.headers()["content-type"], "application/json");
    for preview in ["0", "4294967296", "9007199254740992"] {
        let path = format!("/runs/{id}/input?preview={preview}");
        problem(served.get(&path).await, 400, "INVALID_REQUEST").await;
    }
}

#[tokio::test]
async fn hidden_fields_are_revealed_to_an_operator_alone() {
    let served = served().await;
    let id = served.run("login", json!({ "account": { "user": "ada", "password": "open sesame" } })).await;
    let path = format!("/runs/{id}/output");
    for token in [VIEWER, OPERATOR] {
        let text = served.get_as(token, &path).await.text().await.unwrap();
        assert_eq!(text, r#"{"user":"ada","password":"[hidden]"}"#);
    }
    problem(served.get_as(VIEWER, &format!("{path}?reveal")).await, 403, "FORBIDDEN").await;
    let revealed = served.get(&format!("{path}?reveal=true")).await.text().await.unwrap();
    assert_eq!(revealed, r#"{"user":"ada","password":"open sesame"}"#);
    let artifact = served.run("calculation", json!({ "number": 1 })).await;
    let artifact = served.get(&format!("/runs/{artifact}/artifacts/multiply/working")).await;
    assert_eq!(artifact.text().await.unwrap(), r#"{"api_key":"[hidden]","number":1}"#);
}

#[tokio::test]
async fn an_output_is_waited_for() {
    let served = served().await;
    let id = served.start("asking", json!({ "question": "Why?" })).await;
    let path = format!("/runs/{id}/output");
    problem(served.get(&path).await, 409, "RUN_NOT_TERMINAL").await;
    let waiting = tokio::spawn(served.request(Method::GET, &format!("{path}?wait=20"), OPERATOR).send());
    while !served.engine.wake(id.parse().unwrap(), "ask").await.unwrap() {
        tokio::task::yield_now().await;
    }
    assert_eq!(waiting.await.unwrap().unwrap().text().await.unwrap(), "4");
    assert_eq!(served.get(&format!("/runs/{id}/stages/ask/ticket")).await.text().await.unwrap(), "\"Why?\"");
    let failed = served.run("even", json!({ "number": 1 })).await;
    problem(served.get(&format!("/runs/{failed}/output")).await, 409, "RUN_FAILED").await;
}
