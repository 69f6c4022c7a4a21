//! Runs that a run has started, over HTTP.

use serde_json::json;
use workflow_engine::Engine;
use workflow_engine::prelude::*;

use crate::costs::Spending;
use crate::support::{Calculation, increment, problem, serve, with_workflows};

workflow! { Nested = Calculation >> increment }
workflow! { Paying = Spending }

#[tokio::test]
async fn children_are_listed_and_name_their_parent() {
    let engine = with_workflows(Engine::builder("memory:")).register::<Nested>().build().await.unwrap();
    let served = serve(engine, |server| server).await;
    let id = served.run("nested", json!({ "number": 20 })).await;
    assert_eq!(served.json(&format!("/runs/{id}/output")).await, json!(42));

    let children = served.json(&format!("/runs/{id}/children")).await;
    let child = &children["items"][0];
    assert_eq!(
        (children["items"].as_array().unwrap().len(), &child["workflow_id"]),
        (1, &json!("calculation"))
    );
    assert_eq!(
        child["parent"],
        json!({ "run_id": id, "stage_id": "calculation", "generation": 1, "depth": 1, "is_awaited": true })
    );
    let child_id = child["id"].as_str().unwrap();
    assert_eq!(served.json(&format!("/runs/{child_id}")).await["run"]["parent"]["run_id"], json!(id));
    assert!(served.json(&format!("/runs/{id}")).await["run"].get("parent").is_none());

    let listed = served.json(&format!("/runs?parent={id}")).await;
    assert_eq!((listed["items"].as_array().unwrap().len(), &listed["items"][0]["id"]), (1, &child["id"]));
    assert_eq!(served.json(&format!("/runs/count?parent={child_id}")).await["count"], 0);
    problem(served.get("/runs?parent=nonsense").await, 400, "INVALID_REQUEST").await;
}

#[tokio::test]
async fn the_costs_of_a_run_are_its_own_and_with_those_of_its_children() {
    let engine = with_workflows(Engine::builder("memory:")).register::<Spending>().register::<Paying>();
    let served = serve(engine.build().await.unwrap(), |server| server).await;
    let id = served.run("paying", json!({ "cost": "0.25 USD" })).await;
    served.json(&format!("/runs/{id}/output")).await;
    let costs = served.json(&format!("/runs/{id}/costs")).await;
    assert_eq!(
        (&costs["own"]["cost"], &costs["with_children"]["cost"]),
        (&json!("0.00 USD"), &json!("0.25 USD"))
    );
}
