//! Steering runs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{OPERATOR, body, problem, served};

#[tokio::test]
async fn a_run_is_cancelled_once() {
    let served = served().await;
    let id = served.start("asking", json!({ "question": "Why?" })).await;
    let path = format!("/runs/{id}/cancel");
    assert_eq!(
        body(served.post(&path, &json!({ "reason": "enough" })).await).await,
        json!({ "cancelled": true })
    );
    assert_eq!(body(served.post(&path, &json!({})).await).await, json!({ "cancelled": false }));
    let run = &served.json(&format!("/runs/{id}")).await["run"];
    assert_eq!((&run["status"], &run["cancel_reason"]), (&json!("CANCELLED"), &json!("enough")));
}

#[tokio::test]
async fn a_rerun_tells_first_what_it_would_run() {
    let served = served().await;
    let id = served.run("calculation", json!({ "number": 20 })).await;
    let from = json!({ "from_stage": "increment" });
    let plan = body(served.post(&format!("/runs/{id}/rerun?dry_run"), &from).await).await;
    assert_eq!(plan, json!({ "generation": 2, "stages": ["increment"] }));
    assert_eq!(served.json(&format!("/runs/{id}")).await["run"]["generation"], 1);
    let rerun = async || {
        let request = served.request(Method::POST, &format!("/runs/{id}/rerun"), OPERATOR);
        body(request.header("idempotency-key", "again").json(&from).send().await.unwrap()).await
    };
    assert_eq!(rerun().await, plan);
    assert_eq!(rerun().await, plan, "the key makes it one rerun");
    assert_eq!(served.get(&format!("/runs/{id}/output?wait=20s")).await.text().await.unwrap(), "41");
    assert_eq!(served.json(&format!("/runs/{id}")).await["run"]["generation"], 2);
    let none = served.post(&format!("/runs/{id}/rerun"), &json!({ "from_stage": "none" })).await;
    problem(none, 404, "STAGE_NOT_FOUND").await;
    let open = served.start("asking", json!({ "question": "Why?" })).await;
    let open = served.post(&format!("/runs/{open}/rerun"), &json!({ "from_stage": "ask" })).await;
    problem(open, 409, "RUN_NOT_TERMINAL").await;
}

#[tokio::test]
async fn a_run_that_has_changed_is_left_alone() {
    let served = served().await;
    let id = served.start("asking", json!({ "question": "Why?" })).await;
    while served.json(&format!("/runs/{id}")).await["run"]["phase"] != "waiting" {
        tokio::task::yield_now().await;
    }
    let tag = served.get(&format!("/runs/{id}")).await.headers()["etag"].to_str().unwrap().to_owned();
    let wake = async || {
        let request = served.request(Method::POST, &format!("/runs/{id}/wake"), OPERATOR);
        request.header("if-match", &tag).json(&json!({ "stage": "ask" })).send().await.unwrap()
    };
    assert_eq!(body(wake().await).await, json!({ "woken": true }));
    served.get(&format!("/runs/{id}/output?wait=20s")).await;
    problem(wake().await, 412, "RUN_CHANGED").await;
}

#[tokio::test]
async fn a_budget_is_raised_and_not_lowered() {
    let served = served().await;
    let run = json!({ "workflow": "asking", "input": { "question": "Why?" }, "budget": "0.50 USD" });
    let id = body(served.post("/runs", &run).await).await["run_id"].as_str().unwrap().to_owned();
    let path = format!("/runs/{id}/budget");
    let raised = served.post(&path, &json!({ "budget": "1.25 USD" })).await;
    assert_eq!(body(raised).await, json!({ "resumed": 0 }));
    assert_eq!(served.json(&format!("/runs/{id}")).await["run"]["costs"]["budget"], "1.25 USD");
    problem(served.post(&path, &json!({ "budget": "1 USD" })).await, 409, "BUDGET_TOO_LOW").await;
    let problem = problem(served.post(&path, &json!({ "budget": "-1" })).await, 422, "INVALID_REQUEST").await;
    assert_eq!(problem["errors"][0]["pointer"], "/budget");
}

#[tokio::test]
async fn an_annotation_has_its_author() {
    let served = served().await;
    let id = served.run("calculation", json!({ "number": 20 })).await;
    let note =
        json!({ "attributes": { "review.outcome": "approved", "review.token": 7 }, "stage": "multiply" });
    let annotate = async || {
        let request = served.request(Method::POST, &format!("/runs/{id}/annotations"), OPERATOR);
        body(request.header("idempotency-key", "note-1").json(&note).send().await.unwrap()).await
    };
    assert_eq!(annotate().await, json!({ "attached": 2 }));
    assert_eq!(annotate().await, json!({ "attached": 2 }));
    let notes = served.json(&format!("/runs/{id}/annotations?prefix=review")).await;
    let notes: Vec<(&Value, &Value, &Value)> = notes["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|note| (&note["key"], &note["value"], &note["actor"]))
        .collect();
    let (by, hidden) = (json!("operator"), json!("[hidden]"));
    let expected = [(json!("review.outcome"), json!("approved")), (json!("review.token"), hidden)];
    assert_eq!(notes, expected.iter().map(|(key, value)| (key, value, &by)).collect::<Vec<_>>());
    let empty = served.post(&format!("/runs/{id}/annotations"), &json!({ "attributes": {} })).await;
    problem(empty, 422, "INVALID_ANNOTATION").await;
}

#[tokio::test]
async fn a_fork_takes_over_what_was_completed() {
    let served = served().await;
    let id = served.run("calculation", json!({ "number": 20 })).await;
    let fork = json!({ "from_stage": "increment", "outputs": { "multiply": 50 } });
    let plan = body(served.post(&format!("/runs/{id}/fork?dry_run"), &fork).await).await;
    assert_eq!(plan, json!({ "run_id": null, "taken_over": ["multiply"], "stages": ["increment"] }));
    let forked = served.post(&format!("/runs/{id}/fork"), &fork).await;
    assert_eq!(forked.status(), 201);
    let location = forked.headers()["location"].to_str().unwrap().trim_start_matches("/api/v1").to_owned();
    assert_eq!(served.get(&format!("{location}/output?wait=20s")).await.text().await.unwrap(), "51");
    let wrong = json!({ "from_stage": "increment", "outputs": { "multiply": "x" } });
    problem(served.post(&format!("/runs/{id}/fork"), &wrong).await, 400, "INVALID_REQUEST").await;
}

#[tokio::test]
async fn an_action_is_listed_with_who_did_it() {
    let served = served().await;
    let id = served.start("asking", json!({ "question": "Why?" })).await;
    let response = served.post(&format!("/runs/{id}/cancel"), &json!({ "reason": "enough" })).await;
    let request_id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let action = &served.json("/actions").await["items"][0];
    assert_eq!((&action["action"], &action["run_id"]), (&json!("cancel"), &json!(id)));
    assert_eq!(action["by"], json!({ "name": "operator", "via": "token", "request_id": request_id }));
}
