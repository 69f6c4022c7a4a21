//! What calls of models have cost.

use serde_json::{Value, json};
use workflow_engine::ledger::{CallLedger, CallOutcome, CallReservation, SettledCall};
use workflow_engine::prelude::*;
use workflow_engine::records::CallType;

use crate::support::{READER, Served, body, problem, serve, served};

/// Makes a call outside of runs.
async fn call(served: &Served, model: &str, cost: &str) {
    make_call(&*served.engine.ledger(), model, cost).await;
}

async fn make_call(ledger: &dyn CallLedger, model: &str, cost: &str) {
    let call = CallReservation {
        topic: "chat".into(),
        call_type: CallType::Text,
        model_key: model.into(),
        model_id: "model-1".into(),
        prompt: None,
        metadata: None,
        reserve: "1 USD".parse().unwrap(),
    };
    let id = ledger.reserve(call).await.unwrap();
    if !cost.is_empty() {
        let settled = SettledCall { cost: cost.parse().unwrap(), input_tokens: 7, ..SettledCall::default() };
        ledger.settle(id, CallOutcome::Settled(settled)).await.unwrap();
    }
}

#[tokio::test]
async fn costs_are_exact_and_grouped_by_what_the_caller_asks() {
    let served = served().await;
    call(&served, "small", "0.0000001 USD").await;
    call(&served, "small", "0.1 USD").await;
    call(&served, "large", "0.2 USD").await;
    call(&served, "large", "").await;
    let costs = body(served.get_as(READER, "/costs?by=model&by=workflow").await).await;
    assert_eq!(costs["total"]["cost"], "0.3000001 USD");
    assert_eq!(
        (&costs["total"]["pending_calls"], &costs["total"]["reserved"]),
        (&json!(1), &json!("1.00 USD"))
    );
    let groups = costs["groups"].as_array().unwrap();
    let models: Vec<_> = groups.iter().map(|group| (&group["model_key"], &group["cost"])).collect();
    assert_eq!(models, [(&json!("large"), &json!("0.20 USD")), (&json!("small"), &json!("0.1000001 USD"))]);
    assert_eq!((&groups[1]["calls"], &groups[1]["input_tokens"]), (&json!(2), &json!(14)));
    assert_eq!((&groups[0]["workflow_id"], &groups[0]["at"]), (&Value::Null, &Value::Null));
    assert_eq!(
        costs["unfinished"],
        json!({"runs": 0, "is_exact": true, "cost": "0.00 USD", "reserved": "0.00 USD"})
    );

    let days = served.json("/costs?by=day,model").await;
    assert_eq!(days["groups"].as_array().unwrap().len(), 2);
    assert!(days["groups"][0]["at"].as_str().unwrap().ends_with("T00:00:00Z"), "{days}");
    let later = served.json("/costs?from=2100-01-01T00:30:00Z").await;
    assert_eq!((&later["from"], &later["total"]["calls"]), (&json!("2100-01-01T00:00:00Z"), &json!(0)));
    problem(served.get("/costs?by=color").await, 400, "INVALID_REQUEST").await;
}

#[stage]
pub async fn spend(cost: String, ctx: &StageContext) -> StageResult<usize> {
    make_call(&**ctx.ledger(), "small", &cost).await;
    Ok(cost.len())
}

workflow! { pub Spending = spend }

#[tokio::test]
async fn the_most_expensive_runs_come_first_with_their_progress() {
    let engine = Engine::builder("memory:").register::<Spending>().build().await.unwrap();
    let served = serve(engine, |server| server).await;
    let mut runs = Vec::new();
    for cost in ["0.1 USD", "0.3 USD", "0.2 USD"] {
        runs.push(served.run("spending", json!({ "cost": cost })).await);
    }
    let page = body(served.get_as(READER, "/runs/most-expensive?limit=2").await).await;
    let found: Vec<_> = page["items"].as_array().unwrap().iter().map(|run| &run["id"]).collect();
    assert_eq!(found, [runs[1].as_str(), &runs[2]]);
    let first = &page["items"][0];
    assert_eq!(
        (&first["costs"]["cost"], &first["progress"]),
        (&json!("0.30 USD"), &json!({ "done": 1, "total": 1 }))
    );
    assert_eq!(page.get("searched_to"), None);
    let none = served.json("/runs/most-expensive?created_after=2100-01-01T00:00:00Z").await;
    assert_eq!(none["items"], json!([]));
    problem(served.get("/runs/most-expensive?limit=201").await, 400, "INVALID_REQUEST").await;
}
