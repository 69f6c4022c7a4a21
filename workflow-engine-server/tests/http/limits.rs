//! Every request is bounded.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{OPERATOR, body, problem, served, served_with};

#[tokio::test]
async fn a_body_has_a_largest_size() {
    let served = served_with(|server| server.body_limit(1_000)).await;
    let large = json!({ "workflow": "even", "input": "x".repeat(2_000) });
    problem(served.post("/runs", &large).await, 413, "PAYLOAD_TOO_LARGE").await;
    // Without a length, the server stops reading.
    let chunks = futures_util::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>("x".repeat(100))));
    let request = served.request(Method::POST, "/runs", OPERATOR).header("content-type", "application/json");
    let response = request.body(reqwest::Body::wrap_stream(chunks)).send().await.unwrap();
    problem(response, 413, "PAYLOAD_TOO_LARGE").await;
}

#[tokio::test]
async fn headers_and_urls_have_a_largest_size() {
    let served = served().await;
    let request = served.request(Method::GET, "/me", OPERATOR).header("x-filler", "x".repeat(17 * 1024));
    problem(request.send().await.unwrap(), 431, "HEADERS_TOO_LARGE").await;
    let url = format!("/runs?workflow={}", "x".repeat(17 * 1024));
    problem(served.get(&url).await, 414, "URL_TOO_LONG").await;
}

#[tokio::test]
async fn requests_beyond_the_limit_are_refused_for_now() {
    let served = served_with(|server| server.max_requests(1)).await;
    let run = served.start("asking", json!({ "question": "Why?" })).await;
    let waiting = served.request(Method::GET, &format!("/runs/{run}/output?wait=20s"), OPERATOR);
    let waiting = tokio::spawn(waiting.send());
    let refused = loop {
        let response = served.get("/me").await;
        if response.status() != 200 {
            break response;
        }
    };
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(problem(refused, 503, "OVERLOADED").await["retryable"], true);
    served.engine.wake(run.parse().unwrap(), "ask").await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
    assert_eq!(served.get("/me").await.status(), 200);
}

#[tokio::test]
async fn waiting_for_an_output_ends_before_the_request_does() {
    let served = served_with(|server| server.request_timeout(Duration::from_secs(2))).await;
    let run = served.start("asking", json!({ "question": "Why?" })).await;
    // A server that gets no processor at the end of the wait refuses the request first, so two more may try.
    let mut last = served.get(&format!("/runs/{run}/output?wait=30s")).await;
    for _ in 0..2 {
        if last.status() == 409 {
            break;
        }
        problem(last, 503, "TIMEOUT").await;
        last = served.get(&format!("/runs/{run}/output?wait=30s")).await;
    }
    assert_eq!(problem(last, 409, "RUN_NOT_TERMINAL").await["retryable"], true);
    problem(served.get(&format!("/runs/{run}/output?wait=long")).await, 400, "INVALID_REQUEST").await;
}

#[tokio::test]
async fn a_route_names_its_methods() {
    let served = served().await;
    let response = served.request(Method::PUT, "/runs", OPERATOR).send().await.unwrap();
    assert_eq!(response.headers()["allow"], "GET,HEAD,POST");
    problem(response, 405, "METHOD_NOT_ALLOWED").await;
    problem(served.get("/nothing").await, 404, "NOT_FOUND").await;
}

#[tokio::test]
async fn a_shutdown_lets_requests_end() {
    let served = served().await;
    let run = served.start("asking", json!({ "question": "Why?" })).await;
    let mut stream = TcpStream::connect(served.server.address()).await.unwrap();
    let head = format!(
        "GET /api/v1/runs/{run}/output?wait=20s HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {OPERATOR}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server has the request when a later one has returned.
    assert_eq!(served.get("/me").await.status(), 200);
    let (engine, address) = (served.engine.clone(), served.server.address());
    let shutdown = tokio::spawn(served.server.shutdown());
    engine.wake(run.parse().unwrap(), "ask").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    shutdown.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn probes_tell_the_health() {
    let served = served().await;
    for path in ["/healthz", "/readyz"] {
        let response = served.client.get(served.url(path)).send().await.unwrap();
        assert_eq!(body(response).await, json!({ "status": "ok" }));
    }
}

#[tokio::test]
async fn prometheus_reads_what_the_engine_measures() {
    let served = served().await;
    let response = served.client.get(served.url("/metrics")).send().await.unwrap();
    assert_eq!(response.status(), 401, "the metrics need a token");
    let request = served.client.get(served.url("/metrics")).bearer_auth(OPERATOR);
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = response.text().await.unwrap();
    assert!(text.contains("# TYPE workflow_engine_runs_started_total counter"), "{text}");
}

#[tokio::test]
async fn prometheus_reads_what_the_server_measures() {
    let served = served().await;
    let id = served.run("calculation", json!({ "number": 20 })).await;
    served.get(&format!("/runs/{id}")).await;
    assert_eq!(served.get_as("wrong", "/runs").await.status(), 401);
    let live = served.get(&format!("/live?run={id}")).await;
    let metrics = async || {
        let request = served.client.get(served.url("/metrics")).bearer_auth(OPERATOR);
        request.send().await.unwrap().text().await.unwrap()
    };
    let text = metrics().await;
    let route = |route: &str| format!("workflow_engine_http_request_seconds_count{{route=\"{route}\"}} 1\n");
    for shown in ["GET /api/v1/runs/{run_id}", "POST /api/v1/runs", "GET /api/v1/runs"] {
        assert!(text.contains(&route(shown)), "{shown}: {text}");
    }
    assert!(!text.contains(&id), "labels are no ids");
    assert!(text.contains("workflow_engine_live_streams 1\n"), "{text}");
    assert!(text.contains("workflow_engine_jobs{state=\"ready\"} 0\n"), "{text}");
    drop(live);
    while !metrics().await.contains("workflow_engine_live_streams 0\n") {
        tokio::task::yield_now().await;
    }
}
