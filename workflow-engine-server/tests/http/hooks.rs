//! Hooks: another system wakes a stage.

use std::time::Duration;

use serde_json::json;
use tests::world::World;
use workflow_engine_server::Server;

use crate::support::{AskInput, Asking, Served, body, problem, serve, served, served_with, with_workflows};

async fn post(served: &Served, path: &str, text: String) -> reqwest::Response {
    served.client.post(served.url(path)).body(text).send().await.unwrap()
}

#[tokio::test]
async fn a_hook_wakes_its_stage_until_it_ends() {
    let served = served().await;
    let id = served.start("asking", json!({ "question": "Why?" })).await;
    while served.json(&format!("/runs/{id}")).await["run"]["phase"] != "waiting" {
        tokio::task::yield_now().await;
    }
    let hour = Duration::from_secs(3_600);
    let path = served.server.hooks().path(id.parse().unwrap(), "ask", hour).await.unwrap();
    problem(post(&served, &path, "x".repeat(65 * 1024)).await, 413, "PAYLOAD_TOO_LARGE").await;
    assert_eq!(body(post(&served, &path, "anything".into()).await).await, json!({ "woken": true }));
    assert_eq!(served.get(&format!("/runs/{id}/output?wait=20s")).await.status(), 200);
    problem(post(&served, &path, String::new()).await, 410, "HOOK_VOID").await;
    // Nor does it wake the next generation.
    served.post(&format!("/runs/{id}/rerun"), &json!({ "from_stage": "ask" })).await;
    problem(post(&served, &path, String::new()).await, 410, "HOOK_VOID").await;
    let changed = path.replacen("hooks/", "hooks/e", 1);
    problem(post(&served, &changed, String::new()).await, 404, "NOT_FOUND").await;
}

#[tokio::test]
async fn a_hook_ends_with_its_lifetime_and_with_its_key() {
    let world = World::memory().await;
    let engine = with_workflows(world.engine()).build().await.unwrap();
    let served = serve(engine.clone(), |server| server).await;
    let id = served.start("asking", json!({ "question": "Why?" })).await;
    let path = served.server.hooks().path(id.parse().unwrap(), "ask", Duration::from_secs(60)).await.unwrap();
    // Every process with the same tokens accepts it, and no other.
    let same = serve(engine.clone(), |server| server).await;
    assert_eq!(post(&same, &path, String::new()).await.status(), 200);
    let other = serve(engine, |server| server.secret("another key for signatures")).await;
    problem(post(&other, &path, String::new()).await, 404, "NOT_FOUND").await;
    world.clock.advance(Duration::from_secs(61));
    problem(post(&served, &path, String::new()).await, 404, "NOT_FOUND").await;
}

#[tokio::test]
async fn a_server_that_only_reads_takes_no_hook() {
    let served = served_with(Server::read_only).await;
    let input = AskInput { question: "Why?".into() };
    let id = served.engine.start::<Asking>(input).await.unwrap().id();
    let path = served.server.hooks().path(id, "ask", Duration::from_secs(60)).await.unwrap();
    problem(post(&served, &path, String::new()).await, 403, "READ_ONLY").await;
}
