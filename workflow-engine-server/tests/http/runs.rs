//! Lists, counts, starts and details of runs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{OPERATOR, READER, VIEWER, body, problem, served};

#[tokio::test]
async fn a_run_is_started_once_for_its_key() {
    let served = served().await;
    let run = json!({ "workflow": "calculation", "input": { "number": 20 }, "tags": { "customer": "acme" } });
    let start = async |body: &Value| {
        let request = served.request(Method::POST, "/runs", OPERATOR).header("idempotency-key", "order-7");
        request.json(body).send().await.unwrap()
    };
    let first = start(&run).await;
    assert_eq!(first.status(), 201);
    let location = first.headers()["location"].to_str().unwrap().to_owned();
    let id = body(first).await["run_id"].as_str().unwrap().to_owned();
    assert_eq!(location, format!("/api/v1/runs/{id}"));
    assert_eq!(body(start(&run).await).await["run_id"], id);
    let other = json!({ "workflow": "calculation", "input": { "number": 21 } });
    problem(start(&other).await, 422, "IDEMPOTENCY_CONFLICT").await;
    assert_eq!(served.get(&format!("/runs/{id}/output?wait=20s")).await.text().await.unwrap(), "41");
}

#[tokio::test]
async fn a_dry_run_only_checks() {
    let served = served().await;
    let run = json!({ "workflow": "calculation", "input": { "number": 20 }, "config": { "multiply": { "factor": 3 } } });
    let checked = served.post("/runs?dry_run", &run).await;
    assert_eq!((checked.status().as_u16(), body(checked).await), (200, json!({ "valid": true })));
    assert_eq!(served.json("/runs/count").await["count"], 0);
    let run = json!({ "workflow": "calculation", "input": { "number": "x" } });
    problem(served.post("/runs?dry_run=true", &run).await, 422, "INVALID_INPUT").await;
}

#[tokio::test]
async fn an_invalid_start_names_the_place() {
    let served = served().await;
    let cases = [
        (
            json!({ "workflow": "calculation", "input": { "number": "x" } }),
            422,
            "INVALID_INPUT",
            "/input/number",
        ),
        (json!({ "workflow": "calculation", "input": {} }), 422, "INVALID_INPUT", "/input"),
        (
            json!({ "workflow": "calculation", "input": { "number": 1 }, "config": { "x": {} } }),
            422,
            "INVALID_CONFIG",
            "/config",
        ),
        (
            json!({ "workflow": "even", "input": { "number": 2 }, "tags": { "": "x" } }),
            422,
            "INVALID_TAG",
            "/tags",
        ),
        (json!({ "workflow": "even", "input": 1, "priority": "high" }), 422, "INVALID_REQUEST", "/priority"),
        (json!({ "workflow": "even", "input": 1, "colour": "red" }), 422, "INVALID_REQUEST", "/colour"),
    ];
    for (run, status, code, pointer) in cases {
        let problem = problem(served.post("/runs", &run).await, status, code).await;
        let pointers: Vec<&str> =
            problem["errors"].as_array().unwrap().iter().filter_map(|e| e["pointer"].as_str()).collect();
        assert!(pointers.contains(&pointer), "{pointer}: {problem}");
    }
    let unknown = json!({ "workflow": "none", "input": 1 });
    problem(served.post("/runs", &unknown).await, 404, "WORKFLOW_NOT_FOUND").await;
    problem(served.post("/runs", &json!(["even", null, { "number": 2 }])).await, 422, "INVALID_REQUEST")
        .await;
    let request = served.request(Method::POST, "/runs", OPERATOR).header("content-type", "application/json");
    problem(request.body("{").send().await.unwrap(), 400, "INVALID_REQUEST").await;
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let served = served().await;
    for number in 0..5 {
        let tags = json!({ "customer": if number % 2 == 0 { "acme" } else { "brio" } });
        let run = json!({ "workflow": "even", "input": { "number": number }, "tags": tags });
        let id = body(served.post("/runs", &run).await).await["run_id"].as_str().unwrap().to_owned();
        served.get(&format!("/runs/{id}/output?wait=20s")).await;
    }
    let mut seen = Vec::new();
    let mut path = "/runs?limit=2".to_owned();
    loop {
        let page = served.json(&path).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|run| run["id"].to_string()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/runs?limit=2&after={next}");
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted_by(|a, b| a > b), "newest first: {seen:?}");
    let count =
        async |query: &str| served.json(&format!("/runs/count?{query}")).await["count"].as_u64().unwrap();
    assert_eq!(count("").await, 5);
    assert_eq!(count("tag=customer:acme").await, 3);
    assert_eq!(count("status=FAILED").await, 2);
    assert_eq!(count("status=FAILED&status=COMPLETED&workflow=even").await, 5);
    assert_eq!(count("tag=customer:acme&error=STAGE_FAILED").await, 0);
    assert_eq!(count("created_before=2020-01-01T00:00:00Z").await, 0);
    let failed = served.json("/runs?status=FAILED&limit=1").await;
    let run = &failed["items"][0];
    assert_eq!((&run["phase"], &run["error"]["code"]), (&json!("failed"), &json!("STAGE_FAILED")));
    // A cursor belongs to its filter.
    let next = failed["next"].as_str().unwrap();
    problem(served.get(&format!("/runs?after={next}")).await, 422, "INVALID_CURSOR").await;
    problem(served.get("/runs?after=*").await, 422, "INVALID_CURSOR").await;
    for query in ["limit=0", "limit=201", "limit=x", "colour=red", "tag=acme", "status=failed"] {
        problem(served.get(&format!("/runs?{query}")).await, 400, "INVALID_REQUEST").await;
    }
}

#[tokio::test]
async fn a_detail_shows_stages_and_has_a_tag() {
    let served = served().await;
    let id = served.run("calculation", json!({ "number": 20 })).await;
    let response = served.get_as(READER, &format!("/runs/{id}")).await;
    let tag = response.headers()["etag"].to_str().unwrap().to_owned();
    let detail = body(response).await;
    assert_eq!(detail["run"]["status"], "COMPLETED");
    let stages: Vec<&str> =
        detail["stages"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap()).collect();
    assert_eq!(stages, ["multiply", "increment"]);
    assert_eq!(detail["stages"][0]["has_output"], true);
    let again = served.request(Method::GET, &format!("/runs/{id}"), READER).header("if-none-match", &tag);
    let again = again.send().await.unwrap();
    assert_eq!((again.status().as_u16(), again.text().await.unwrap().as_str()), (304, ""));
    problem(served.get("/runs/nonsense").await, 400, "INVALID_RUN_ID").await;
    problem(served.get("/runs/00000000-0000-0000-0000-000000000000").await, 404, "RUN_NOT_FOUND").await;
}

#[tokio::test]
async fn events_are_pages_or_lines() {
    let served = served().await;
    let id = served.start("calculation", json!({ "number": 20 })).await;
    let followed = served.get(&format!("/runs/{id}/events?follow")).await;
    assert_eq!(followed.headers()["content-type"], "application/x-ndjson");
    let text = followed.text().await.unwrap();
    let followed: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(followed.last().unwrap()["type"], "workflow:completed");
    assert_eq!(followed.last().unwrap()["data"]["output"], 41);
    let rest = served.get(&format!("/runs/{id}/events?follow&after_sequence=3")).await.text().await.unwrap();
    assert_eq!(rest.lines().count(), followed.len() - 3);
    let request = served.request(Method::GET, &format!("/runs/{id}/events"), OPERATOR);
    let lines = request.header("accept", "application/x-ndjson").send().await.unwrap().text().await.unwrap();
    assert_eq!(lines, text);
    for list in ["events", "logs"] {
        let refused = served.get(&format!("/runs/{id}/{list}?follow&limit=201")).await;
        problem(refused, 400, "INVALID_REQUEST").await;
    }
    let first = served.json(&format!("/runs/{id}/events?limit=3")).await;
    let next = first["next"].as_str().unwrap();
    let second = served.json(&format!("/runs/{id}/events?limit=200&after={next}")).await;
    let paged: Vec<&Value> =
        [&first, &second].iter().flat_map(|page| page["items"].as_array().unwrap()).collect();
    assert_eq!(paged, followed.iter().collect::<Vec<_>>());
    // Without payloads.
    let reader = served.get_as(READER, &format!("/runs/{id}/events?limit=200")).await;
    let last = body(reader).await["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["type"], last["data"].get("output")), (&json!("workflow:completed"), None));
}

#[tokio::test]
async fn log_lines_are_filtered() {
    let served = served().await;
    let id = served.run("calculation", json!({ "number": 20 })).await;
    let lines =
        body(served.get_as(VIEWER, &format!("/runs/{id}/logs?stage=multiply&newest_first=true")).await).await;
    assert_eq!(lines["items"][0]["message"], "multiplied");
    assert_eq!(lines["items"][0]["fields"], json!({ "number": 20, "token": "[hidden]" }));
    let followed = served.get(&format!("/runs/{id}/logs?follow&level=INFO")).await.text().await.unwrap();
    assert_eq!(followed.lines().count(), 1);
    let none = served.json(&format!("/runs/{id}/logs?level=ERROR")).await;
    assert_eq!(none["items"], json!([]));
    problem(served.get_as(READER, &format!("/runs/{id}/logs")).await, 403, "FORBIDDEN").await;
}

#[tokio::test]
async fn the_attempts_and_artifacts_of_a_run_are_listed() {
    let served = served().await;
    let id = served.run("calculation", json!({ "number": 20 })).await;
    let attempts = served.json(&format!("/runs/{id}/stages/multiply/attempts")).await;
    assert_eq!(attempts["items"][0]["outcome"], "completed");
    problem(served.get(&format!("/runs/{id}/stages/none/attempts")).await, 404, "STAGE_NOT_FOUND").await;
    let artifacts = served.json(&format!("/runs/{id}/artifacts")).await;
    assert_eq!(artifacts["items"][0]["key"], "working");
    assert_eq!(served.json(&format!("/runs/{id}/calls")).await, json!({ "items": [] }));
}
