//! Signals over HTTP: the inbox, its answers, and hooks.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{OPERATOR, READER, Served, body, problem, served};

async fn waiting(served: &Served) -> String {
    let input = json!({ "account": { "user": "ada", "password": "secret" } });
    let id = served.start("approving", input).await;
    while served.json(&format!("/runs/{id}")).await["run"]["phase"] != "waiting" {
        tokio::task::yield_now().await;
    }
    id
}

async fn output(served: &Served, id: &str) -> Value {
    body(served.get(&format!("/runs/{id}/output?wait=20s")).await).await
}

#[tokio::test]
async fn the_inbox_lists_questions_with_their_forms_and_takes_answers() {
    let served = served().await;
    let [first, second] = [waiting(&served).await, waiting(&served).await];
    problem(served.get_as(READER, "/approvals").await, 403, "FORBIDDEN").await;
    let page = served.json("/approvals?limit=1").await;
    let approval = &page["items"][0];
    assert_eq!((&approval["run_id"], &approval["stage_id"]), (&json!(first), &json!("approve")));
    assert_eq!(approval["question"], json!({ "user": "ada", "password": "[hidden]" }));
    assert_eq!(approval["form"]["properties"]["approved"]["type"], "boolean");
    assert!(approval["deadline"].is_string());
    let next = page["next"].as_str().unwrap();
    let rest = served.json(&format!("/approvals?after={next}")).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["items"][0]["run_id"]), (1, &json!(second)));

    let path = format!("/approvals/{}", approval["id"].as_str().unwrap());
    let invalid = served.post(&path, &json!({ "payload": { "approved": "yes" } })).await;
    problem(invalid, 422, "INVALID_SIGNAL").await;
    let answer = json!({ "payload": { "approved": true }, "actor": "ada" });
    assert_eq!(body(served.post(&path, &answer).await).await, json!({ "signalled": true }));
    assert_eq!(output(&served, &first).await["approved"], json!(true));
    problem(served.post(&path, &answer).await, 409, "SIGNAL_TOO_LATE").await;
    problem(served.post("/approvals/nonsense", &answer).await, 400, "INVALID_REQUEST").await;
    for actor in [String::new(), "a\nb".to_owned(), "a".repeat(256)] {
        let answer = json!({ "payload": { "approved": true }, "actor": actor });
        let refused = served.post(&path, &answer).await;
        assert_eq!(problem(refused, 422, "INVALID_REQUEST").await["errors"][0]["pointer"], "/actor");
    }
    assert_eq!(served.json("/approvals").await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_run_takes_a_signal_and_shows_its_form() {
    let served = served().await;
    let id = waiting(&served).await;
    let form = served.json(&format!("/runs/{id}/stages/approve/form")).await;
    assert_eq!(form["properties"]["comment"]["type"], json!(["string", "null"]));
    let path = format!("/runs/{id}/signal");
    let signal = json!({ "stage": "approve", "payload": { "approved": false, "comment": "no" } });
    problem(served.post(&path, &json!({ "stage": "absent", "payload": 1 })).await, 404, "STAGE_NOT_FOUND")
        .await;
    // A request that is invalid by itself is refused as such, also where its precondition fails.
    let mut nameless = signal.clone();
    nameless["actor"] = json!("");
    let request = served.request(Method::POST, &path, OPERATOR).header("If-Match", "\"old\"");
    let refused = request.json(&nameless).send().await.unwrap();
    assert_eq!(problem(refused, 422, "INVALID_REQUEST").await["errors"][0]["pointer"], "/actor");
    assert_eq!(served.post(&path, &signal).await.status(), 200);
    assert_eq!(output(&served, &id).await, json!({ "approved": false, "comment": "no" }));
    let actions = served.json("/actions").await;
    assert_eq!(
        (&actions["items"][0]["action"], &actions["items"][0]["by"]["name"]),
        (&json!("signal"), &json!("operator"))
    );
}

#[tokio::test]
async fn a_hook_sends_a_signal_once() {
    let served = served().await;
    let id = waiting(&served).await;
    let hour = Duration::from_secs(3_600);
    let path = served.server.hooks().path(id.parse().unwrap(), "approve", hour).await.unwrap();
    let post = |text: &str| served.client.post(served.url(&path)).body(text.to_owned()).send();
    problem(post("not JSON").await.unwrap(), 400, "INVALID_REQUEST").await;
    problem(post("{\"approved\": 1}").await.unwrap(), 422, "INVALID_SIGNAL").await;
    let approved = "{\"approved\": true}";
    assert_eq!(body(post(approved).await.unwrap()).await, json!({ "woken": true }));
    assert_eq!(output(&served, &id).await["approved"], json!(true));
    assert_eq!(post(approved).await.unwrap().status(), 200, "the same payload may be posted again");
    problem(post("{\"approved\": false}").await.unwrap(), 422, "IDEMPOTENCY_CONFLICT").await;
}
