//! Live streams.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::postgres::{self, Schema};
use workflow_engine::{Engine, RunId};

use crate::sse::{Message, Messages, ends_run};
use crate::support::{OPERATOR, READER, Served, VIEWER, problem, serve, served, served_with, with_workflows};

fn live(served: &Served, query: &str) -> RequestBuilder {
    endless(served.request(Method::GET, &format!("/live?{query}"), VIEWER))
}

/// Lets a stream be open for longer than the client waits for other responses.
fn endless(request: RequestBuilder) -> RequestBuilder {
    request.timeout(Duration::from_secs(600))
}

async fn wake(served: &Served, run: &str) {
    while !served.engine.wake(run.parse().unwrap(), "ask").await.unwrap() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stream_cut_at_each_message_resumes_without_loss_or_repetition() {
    let served = served().await;
    let id = served.run("calculation", json!({ "number": 20 })).await;
    let query = format!("run={id}");
    // Log lines may follow the event that ends the run.
    let is_last = |message: &Message| message.name == "log";
    let whole = Messages::open(live(&served, &query)).await.until(is_last).await;
    let events: Vec<&Message> = whole.iter().filter(|message| message.name == "event").collect();
    assert!(ends_run(events.last().unwrap()), "{whole:#?}");
    for cut in 0..whole.len() - 1 {
        let last = whole[cut].id.as_deref().unwrap();
        let resumed = live(&served, &query).header("last-event-id", last);
        let rest = Messages::open(resumed).await.until(is_last).await;
        assert_eq!(rest, whole[cut + 1..], "cut after {last}");
        let after =
            Messages::open(live(&served, &format!("{query}&after={last}"))).await.until(is_last).await;
        assert_eq!(after, rest);
    }
    for bad in ["e1", "e1.l", "5", "e-1.l0"] {
        problem(
            live(&served, &query).header("last-event-id", bad).send().await.unwrap(),
            400,
            "INVALID_REQUEST",
        )
        .await;
    }
}

#[tokio::test]
async fn a_stream_tells_what_is_committed_while_it_is_open() {
    let served = served().await;
    let id = served.start("asking", json!({ "question": "Why?" })).await;
    let mut messages = Messages::open(live(&served, &format!("run={id}&topics=events"))).await;
    let before = messages.until(|message| message.data["type"] == "workflow:suspended").await;
    assert_eq!(before[0].data["type"], "workflow:created");
    wake(&served, &id).await;
    let after = messages.until(ends_run).await;
    assert_eq!(after.last().unwrap().data["data"]["output"], 4);
    // A rerun follows on the same stream.
    served.post(&format!("/runs/{id}/rerun"), &json!({ "from_stage": "ask" })).await;
    let again = messages.until(|message| message.data["type"] == "workflow:suspended").await;
    assert_eq!(again[0].data["type"], "workflow:started");
    let sequences: Vec<u64> = before
        .iter()
        .chain(&after)
        .chain(&again)
        .map(|message| message.data["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(sequences, (1..=sequences.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn topics_follow_the_grant() {
    let served = served().await;
    let id = served.run("calculation", json!({ "number": 20 })).await;
    let as_reader = |query: &str| served.request(Method::GET, &format!("/live?run={id}{query}"), READER);
    let messages = Messages::open(as_reader("")).await.until(ends_run).await;
    assert!(messages.iter().all(|message| message.name == "event"));
    assert!(messages.last().unwrap().data["data"].get("output").is_none());
    problem(as_reader("&topics=events,logs").send().await.unwrap(), 403, "FORBIDDEN").await;
    let lines = Messages::open(live(&served, &format!("run={id}&topics=logs"))).await;
    let line = { lines }.next().await.unwrap();
    assert_eq!(line.data["fields"]["token"], "[hidden]");
    for query in ["", "run=x", "topics=events", &format!("run={id}&runs={id}"), &format!("run={id}&topics=x")]
    {
        assert_eq!(live(&served, query).send().await.unwrap().status(), 400, "{query}");
    }
    let unknown = live(&served, "run=00000000-0000-0000-0000-000000000000").send().await.unwrap();
    problem(unknown, 404, "RUN_NOT_FOUND").await;
}

#[tokio::test]
async fn two_hundred_streams_see_the_same_and_no_more_are_open() {
    let served = Arc::new(served().await);
    let id = served.start("asking", json!({ "question": "Why?" })).await;
    let query = format!("run={id}&topics=events");
    let mut streams = Vec::new();
    for _ in 0..200 {
        streams.push(Messages::open(live(&served, &query)).await);
    }
    problem(live(&served, &query).send().await.unwrap(), 503, "OVERLOADED").await;
    let readers: Vec<_> = streams
        .into_iter()
        .map(|mut stream| tokio::spawn(async move { stream.until(ends_run).await }))
        .collect();
    wake(&served, &id).await;
    let mut all = Vec::new();
    for reader in readers {
        all.push(reader.await.unwrap());
    }
    assert!(ends_run(all[0].last().unwrap()));
    assert!(all.iter().all(|messages| *messages == all[0]));
    // Their places are free again as soon as the server sees that they are closed.
    while live(&served, &query).send().await.unwrap().status() != 200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_list_tells_the_state_of_its_runs_and_each_change() {
    let served = served().await;
    let waiting = served.start("asking", json!({ "question": "Why?" })).await;
    let done = served.run("even", json!({ "number": 2 })).await;
    let unknown = "00000000-0000-0000-0000-000000000000";
    let mut messages = Messages::open(live(&served, &format!("runs={waiting},{done},{unknown}"))).await;
    let mut states: std::collections::BTreeMap<String, Value> = std::collections::BTreeMap::new();
    while states.len() < 3 || states[&waiting]["phase"] != "waiting" {
        let message = messages.next().await.unwrap();
        states.insert(message.data["id"].as_str().unwrap().to_owned(), message.data);
    }
    assert_eq!(states[&done]["status"], "COMPLETED");
    assert_eq!(states[unknown], json!({ "id": unknown }));
    wake(&served, &waiting).await;
    let changed = messages.until(|message| message.data["status"] == "COMPLETED").await;
    assert!(changed.iter().all(|message| message.name == "run" && message.data["id"] == waiting.as_str()));
    let many = unknown;
    assert_eq!(live(&served, &format!("runs={many},x")).send().await.unwrap().status(), 400);
}

/// More than the system keeps between two programs, so that the server meets the slow reader.
const LARGE: usize = 16 * 1024;

#[tokio::test]
async fn a_slow_reader_is_cut_off_and_resumes() {
    let served = served_with(|server| server.body_limit(1 << 20)).await;
    let id = served.start("asking", json!({ "question": "Why?" })).await;
    let mut slow = Messages::open(live(&served, &format!("run={id}&topics=events"))).await;
    let first = slow.until(|message| message.data["type"] == "workflow:suspended").await;
    // It reads nothing while more is committed than its connection and its backlog hold.
    let note = json!({ "attributes": { "note": "x".repeat(LARGE - 100) }, "emit_event": true });
    let mut last = 0;
    while last < 2_500 {
        let many: serde_json::Map<String, Value> =
            (0..50).map(|n| (format!("note.{n}"), note["attributes"]["note"].clone())).collect();
        let many = json!({ "attributes": many, "emit_event": true });
        assert_eq!(served.post(&format!("/runs/{id}/annotations"), &many).await.status(), 200);
        last = served.json(&format!("/runs/{id}")).await["run"]["last_sequence"].as_u64().unwrap();
    }
    let received = slow.until(|message| message.data["sequence"] == last).await;
    let cut = received.last().unwrap().data["sequence"].as_u64().unwrap();
    assert!(cut < last, "the stream was closed at {cut} of {last}");
    let resumed = live(&served, &format!("run={id}&topics=events"));
    let resumed = resumed.header("last-event-id", received.last().unwrap().id.clone().unwrap());
    let rest = Messages::open(resumed).await.until(|message| message.data["sequence"] == last).await;
    let all = first.iter().chain(&received).chain(&rest);
    let sequences: Vec<u64> = all.map(|message| message.data["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (1..=last).collect::<Vec<_>>());
}

/// Commits of another process reach the streams of this one.
async fn follows_another_process(watching: Engine, working: Engine) {
    let served = serve(watching, |server| server).await;
    let other = serve(working, |server| server).await;
    let id = other.start("asking", json!({ "question": "Why?" })).await;
    let mut messages = Messages::open(live(&served, &format!("run={id}"))).await;
    messages.until(|message| message.data["type"] == "workflow:suspended").await;
    wake(&other, &id).await;
    let rest = messages.until(ends_run).await;
    assert_eq!(rest.last().unwrap().data["data"]["output"], 4);
    assert!(id.parse::<RunId>().is_ok());
}

#[tokio::test]
async fn commits_of_another_engine_on_a_file_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.db").to_str().unwrap().to_owned();
    let watching = with_workflows(Engine::builder(path.as_str())).without_worker().build().await.unwrap();
    let working = with_workflows(Engine::builder(path.as_str())).build().await.unwrap();
    follows_another_process(watching, working).await;
}

#[tokio::test]
async fn commits_of_another_engine_on_postgresql_arrive() {
    if !postgres::is_available("commits_of_another_engine_on_postgresql_arrive") {
        return;
    }
    let schema = Schema::new();
    let watching = with_workflows(Engine::builder(schema.options())).without_worker().build().await.unwrap();
    let working = with_workflows(Engine::builder(schema.options())).build().await.unwrap();
    follows_another_process(watching, working).await;
}

/// Asserts that both kinds of streams of a waiting run end when `end` has returned.
async fn ends_the_streams<T>(end: impl AsyncFnOnce(Served) -> T) {
    let served = served().await;
    let id = served.start("asking", json!({ "question": "Why?" })).await;
    let mut messages = Messages::open(live(&served, &format!("run={id}"))).await;
    messages.next().await.unwrap();
    let follow = served.request(Method::GET, &format!("/runs/{id}/events?follow"), OPERATOR);
    let follow = endless(follow).send().await.unwrap();
    // What `end` returns lives until the streams have ended.
    let _kept = end(served).await;
    while messages.next().await.is_some() {}
    follow.text().await.unwrap();
}

#[tokio::test]
async fn a_shutdown_ends_the_streams() {
    ends_the_streams(async |served| served.server.shutdown().await).await;
}

#[tokio::test]
async fn the_end_of_the_engine_ends_the_streams() {
    // A program that nests the service has no server that it could shut down.
    ends_the_streams(async |served| {
        served.engine.shutdown().await;
        served
    })
    .await;
}
