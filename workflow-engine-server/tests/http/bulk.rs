//! Actions on many runs.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{OPERATOR, Served, body, problem, served, served_with};
use workflow_engine_server::{Grant, Token};

async fn preview(served: &Served, bulk: &Value) -> Value {
    let response = served.post("/runs/bulk", bulk).await;
    assert_eq!(response.status(), 200);
    body(response).await
}

/// Previews an action until the count is exact: the server counts for 40 ms at most.
async fn exact_preview(served: &Served, bulk: &Value) -> Value {
    for _ in 0..1_000 {
        let preview = preview(served, bulk).await;
        if preview["count"]["is_exact"] == true {
            return preview;
        }
    }
    panic!("no count is exact");
}

async fn perform(served: &Served, token: &Value) -> Response {
    let path = format!("/runs/bulk/{}", token.as_str().unwrap());
    served.request(Method::POST, &path, OPERATOR).send().await.unwrap()
}

/// Performs an action to its end, and returns the outcome of each run.
async fn perform_all(served: &Served, token: &Value) -> Vec<(String, String)> {
    let mut token = token.clone();
    let mut outcomes = Vec::new();
    while !token.is_null() {
        let response = perform(served, &token).await;
        assert_eq!(response.status(), 200);
        let text = response.text().await.unwrap();
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        token = lines.pop().unwrap()["next"].clone();
        assert!(lines.len() <= 600);
        outcomes.extend(lines.iter().map(|line| {
            (line["run_id"].as_str().unwrap().to_owned(), line["outcome"].as_str().unwrap().to_owned())
        }));
    }
    outcomes
}

async fn ask(served: &Served) -> String {
    served.start("asking", json!({ "question": "Why?" })).await
}

#[tokio::test]
async fn exactly_the_previewed_runs_are_cancelled() {
    let served = served().await;
    let mut previewed = Vec::new();
    for _ in 0..620 {
        previewed.push(ask(&served).await);
    }
    let bulk = json!({ "action": "cancel", "filter": { "workflow_id": "asking" }, "reason": "the customer has left" });
    let preview = exact_preview(&served, &bulk).await;
    assert_eq!(preview["count"], json!({ "count": 620, "is_exact": true }));
    assert_eq!(preview["samples"].as_array().unwrap().len(), 20);
    assert_eq!(served.json("/runs/count?status=CANCELLED").await["count"], 0, "nothing has happened");
    let later = ask(&served).await;
    let mut outcomes = perform_all(&served, &preview["token"]).await;
    assert!(outcomes.iter().all(|(_, outcome)| outcome == "done"), "{outcomes:?}");
    outcomes.sort();
    previewed.sort();
    assert_eq!(outcomes.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), previewed);
    let run = &served.json(&format!("/runs/{later}")).await["run"];
    assert!(run["status"] != "CANCELLED", "{run}");
    assert_eq!(
        served.json(&format!("/runs/{}", previewed[0])).await["run"]["cancel_reason"],
        "the customer has left"
    );
    // Repeating does no harm.
    let again = perform_all(&served, &preview["token"]).await;
    assert!(again.iter().all(|(_, outcome)| outcome == "skipped"));
}

#[tokio::test]
async fn a_run_that_fails_after_the_preview_is_not_rerun() {
    let served = served().await;
    let failed = served.run("even", json!({ "number": 1 })).await;
    let waiting = ask(&served).await;
    let rerun = json!({ "action": "rerun", "filter": { "statuses": ["FAILED", "CANCELLED"] } });
    let preview = preview(&served, &rerun).await;
    assert_eq!(preview["count"]["count"], 1);
    served.post(&format!("/runs/{waiting}/cancel"), &json!({})).await;
    assert_eq!(perform_all(&served, &preview["token"]).await, [(failed.clone(), "done".to_owned())]);
    assert_eq!(served.json(&format!("/runs/{failed}")).await["run"]["generation"], 2);
    assert_eq!(served.json(&format!("/runs/{waiting}")).await["run"]["generation"], 1);
}

#[tokio::test]
async fn runs_are_named_by_id_too() {
    let served = served().await;
    let (first, second) = (ask(&served).await, ask(&served).await);
    for id in [&first, &second] {
        while served.json(&format!("/runs/{id}")).await["run"]["phase"] != "waiting" {
            tokio::task::yield_now().await;
        }
    }
    let unknown = "00000000-0000-0000-0000-000000000000";
    let preview = preview(&served, &json!({ "action": "wake", "ids": [first, unknown, first] })).await;
    assert_eq!((&preview["count"]["count"], &preview["samples"][0]["id"]), (&json!(1), &json!(first)));
    assert_eq!(perform_all(&served, &preview["token"]).await, [(first.clone(), "done".to_owned())]);
    assert_eq!(served.get(&format!("/runs/{first}/output?wait=20s")).await.status(), 200);
    assert_eq!(served.json(&format!("/runs/{second}")).await["run"]["phase"], "waiting");
    for bulk in [
        json!({ "action": "wake" }),
        json!({ "action": "wake", "ids": [] }),
        json!({ "action": "wake", "ids": [first], "filter": {} }),
        json!({ "action": "purge", "filter": {} }),
        json!({ "action": "wake", "ids": vec![unknown; 1].into_iter().chain(["x"]).collect::<Vec<_>>() }),
    ] {
        problem(served.post("/runs/bulk", &bulk).await, 422, "INVALID_REQUEST").await;
    }
}

#[tokio::test]
async fn a_token_is_its_callers_own_and_expires() {
    let secret = "another-operator-here";
    let served =
        served_with(|server| server.token(Token::new("other", Grant::Operate, secret).unwrap())).await;
    let preview = preview(&served, &json!({ "action": "cancel", "filter": {} })).await;
    let path = format!("/runs/bulk/{}", preview["token"].as_str().unwrap());
    let other = served.request(Method::POST, &path, secret).send().await.unwrap();
    problem(other, 403, "FORBIDDEN").await;
    let changed = served.request(Method::POST, &path.replacen("bulk/", "bulk/e", 1), OPERATOR);
    problem(changed.send().await.unwrap(), 404, "NOT_FOUND").await;
}
