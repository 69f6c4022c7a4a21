//! Workflows, definitions and dead letters.

use serde_json::json;

use workflow_engine::Engine;

use crate::support::{body, problem, serve, served, with_workflows};

#[tokio::test]
async fn workflows_are_listed_with_their_versions() {
    let served = served().await;
    let list = served.json("/workflows").await;
    let ids: Vec<&str> =
        list["items"].as_array().unwrap().iter().map(|w| w["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["approving", "asking", "calculation", "even", "login"]);
    let version = &list["items"][2]["versions"][0];
    assert_eq!((&version["version"], &version["is_executable"]), (&json!(1), &json!(true)));
    let detail = served.json("/workflows/calculation").await;
    assert_eq!(detail["definition"]["stages"][0]["id"], "multiply");
    assert_eq!(detail["definition"]["fingerprint"], version["fingerprint"]);
    let definition = served.json(&format!("/definitions/{}", version["fingerprint"].as_str().unwrap())).await;
    assert_eq!(definition, detail["definition"]);
    problem(served.get("/workflows/none").await, 404, "WORKFLOW_NOT_FOUND").await;
    problem(served.get("/definitions/none").await, 404, "NOT_FOUND").await;
}

#[tokio::test]
async fn a_graph_is_returned_in_four_forms() {
    let served = served().await;
    let graph = served.json("/workflows/calculation/graph.json").await;
    assert_eq!(graph["edges"], json!([{ "from": "multiply", "to": "increment", "is_requirement": false }]));
    assert_eq!(graph["stages"][1]["execution_group"], 2);
    let mermaid = served.get("/workflows/calculation/graph.mmd").await.text().await.unwrap();
    assert!(mermaid.contains("s1 --> s2"), "{mermaid}");
    let dot = served.get("/workflows/calculation/graph.dot").await;
    assert_eq!(dot.headers()["content-type"], "text/vnd.graphviz; charset=utf-8");
    assert!(dot.text().await.unwrap().contains("\"multiply\" -> \"increment\""));
    let svg = served.get("/workflows/calculation/graph.svg").await;
    assert_eq!(svg.headers()["content-type"], "image/svg+xml");
    let svg = svg.text().await.unwrap();
    assert!(svg.contains(">Multiply</text>") && !svg.contains("<style"), "{svg}");
    problem(served.get("/workflows/none/graph.mmd").await, 404, "WORKFLOW_NOT_FOUND").await;
}

#[tokio::test]
async fn a_graph_of_a_program_that_is_not_here_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("runs.db").display());
    let program = with_workflows(Engine::builder(database.as_str())).build().await.unwrap();
    program.shutdown().await;
    let served = serve(Engine::builder(database.as_str()).build().await.unwrap(), |server| server).await;
    for form in ["json", "mmd", "dot", "svg"] {
        let drawing = served.get(&format!("/workflows/calculation/graph.{form}")).await;
        assert_eq!(drawing.status(), 200, "{form}");
        assert!(drawing.text().await.unwrap().contains("Multiply"), "{form}");
    }
}

#[tokio::test]
async fn dead_letters_are_listed_and_replayed() {
    let served = served().await;
    assert_eq!(served.json("/dead-letters?plugin=bell").await, json!({ "items": [] }));
    let replayed = served.post("/dead-letters/replay", &json!({ "plugin": "bell" })).await;
    assert_eq!(body(replayed).await, json!({ "replayed": 0 }));
    problem(served.post("/dead-letters/replay", &json!({ "limit": 0 })).await, 422, "INVALID_REQUEST").await;
    problem(served.post("/dead-letters/replay", &json!({ "sequence": 3 })).await, 422, "INVALID_REQUEST")
        .await;
}

#[tokio::test]
async fn the_queue_the_workers_and_the_times_are_shown() {
    let served = served().await;
    let id = served.run("calculation", json!({ "number": 20 })).await;
    let times = served.json("/workflows/calculation/statistics").await;
    assert_eq!((&times["runs"], &times["stages"][0]["completed"]), (&json!(1), &json!(1)));
    let timeline = served.json(&format!("/runs/{id}/timeline")).await;
    assert_eq!(timeline["stages"][0]["stage_id"], "multiply");
    assert_eq!(served.json("/queue").await["total"]["dead"], 0);
    assert_eq!(served.json("/workers").await["items"][0]["leases"], 0);
}
