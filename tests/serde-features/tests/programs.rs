//! An engine stores the same text, whichever features of `serde_json` other crates of a program enable: programs with
//! different features share a database. So the expected hashes and texts are the same in every build.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Row};
use workflow_engine::kernel::CreateRun;
use workflow_engine::prelude::*;
use workflow_engine::{Json, RunId};

/// Fields that are not in the order of the alphabet, and numbers of every kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
struct Order {
    quantity: u64,
    customer: String,
    amount: f64,
    balance: i64,
    lines: Vec<Line>,
    serial: u128,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
struct Line {
    sku: String,
    discount: Option<f32>,
}

fn order() -> Order {
    Order {
        quantity: u64::MAX,
        customer: "acme".into(),
        amount: 0.1 + 0.2,
        balance: i64::MIN,
        lines: vec![Line { sku: "b".into(), discount: Some(0.1) }, Line { sku: "a".into(), discount: None }],
        serial: u128::MAX,
    }
}

/// The same order with other keys first, and numbers in other spellings.
const SAME_ORDER: &str = r#"{"order": {
    "serial": 340282366920938463463374607431768211455, "lines": [{"discount": 1e-1, "sku": "b"}, {"sku": "a", "discount": null}],
    "balance": -9223372036854775808, "amount": 0.30000000000000004e0, "customer": "acme", "quantity": 18446744073709551615
}}"#;

#[stage]
async fn accept(order: Order, #[config(default = 0.5)] rate: f64) -> StageResult<Order> {
    assert_eq!(rate.to_bits(), 0.5_f64.to_bits());
    Ok(order)
}

#[stage]
async fn describe(order: Order) -> StageResult<Value> {
    Ok(json!({ "z": order.amount, "a": [1, 2.5, null, -3], "n": { "y": 1, "b": u64::MAX } }))
}

#[stage]
async fn read(described: Value) -> StageResult<(f64, Vec<Option<f64>>, u64)> {
    let list = described["a"].as_array().ok_or("a list")?;
    let numbers = list.iter().map(Value::as_f64).collect();
    Ok((described["z"].as_f64().ok_or("a number")?, numbers, described["n"]["b"].as_u64().ok_or("a number")?))
}

workflow! { Ordering = accept >> describe >> read }

async fn texts(file: &std::path::Path, sql: &'static str) -> Vec<String> {
    let mut connection = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn create(input: &str) -> CreateRun {
    CreateRun::new("ordering", Json::parse(input).unwrap()).idempotency_key("order-7")
}

#[tokio::test]
async fn the_same_request_has_one_hash_in_every_program() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runs.db");
    let engine = Engine::builder(&*file).register::<Ordering>().build().await.unwrap();
    let run =
        engine.start::<Ordering>(AcceptInput { order: order() }).idempotency_key("order-7").await.unwrap();
    let again: RunId = engine.dispatch(create(SAME_ORDER)).await.unwrap().run_id;
    assert_eq!(again, run.id());
    let other = SAME_ORDER.replace("e-1", "e-2");
    assert_eq!(engine.dispatch(create(&other)).await.unwrap_err().code(), "IDEMPOTENCY_CONFLICT");
    run.output().await.unwrap();
    engine.shutdown().await;

    let hashes = texts(&file, "SELECT request_hash FROM workflow_idempotency_keys").await;
    assert_eq!(hashes, ["02c35be3bdbb2d3479f2c2843b7c0f94528006cff8dd7071a449a4afdaa2bf3c"]);
    // Where it changes, every run in a user's store waits for a program with the earlier one.
    assert_eq!(
        Ordering::definition().fingerprint(),
        "f7ec8f0f2c42f470887f756eb9ebb7c065040ac1ba3a9485c44b258c86634cee"
    );
}

#[tokio::test]
async fn values_survive_in_every_program() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runs.db");
    let engine = Engine::builder(&*file).register::<Ordering>().build().await.unwrap();
    let run = engine.start::<Ordering>(AcceptInput { order: order() }).await.unwrap();
    let (amount, numbers, maximum) = run.output().await.unwrap();
    assert_eq!(amount.to_bits(), order().amount.to_bits());
    assert_eq!((numbers, maximum), (vec![Some(1.0), Some(2.5), None, Some(-3.0)], u64::MAX));
    let outputs = run.outputs().await.unwrap();
    assert_eq!(outputs.accept.unwrap(), order());
    engine.shutdown().await;

    let stored = texts(&file, "SELECT output FROM workflow_stages WHERE stage_id = 'accept'").await;
    assert_eq!(
        stored,
        [
            r#"{"quantity":18446744073709551615,"customer":"acme","amount":0.30000000000000004,"balance":-9223372036854775808,"lines":[{"sku":"b","discount":0.1},{"sku":"a","discount":null}],"serial":340282366920938463463374607431768211455}"#
        ]
    );
}
