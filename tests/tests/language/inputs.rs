//! The input of a run keeps its rules and has only known fields, or the run is not created.

use std::sync::atomic::{AtomicU32, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tests::world::World;
use workflow_engine::kernel::CreateRun;
use workflow_engine::prelude::*;
use workflow_engine::{Error, ErrorCode, Json, RunId};

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Item {
    #[serde(alias = "article")]
    sku: String,
    #[schemars(range(min = 1))]
    pieces: u32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Order {
    #[schemars(length(min = 1))]
    items: Vec<Item>,
}

/// Counts the pieces.
#[stage]
async fn count(
    order: Order,
    #[input(range(1..=100))] percent: u32,
    #[input(length(..=4), pattern = "^[a-z]*$")] code: Option<String>,
) -> StageResult<u32> {
    let _ = code;
    Ok(order.items.iter().map(|item| item.pieces).sum::<u32>() * percent)
}

workflow! {
    Counting = count;

    #[workflow(unknown_input = ignore)]
    Lenient = count
}

async fn engine() -> Engine {
    Engine::builder("memory:").register::<Counting>().register::<Lenient>().build().await.unwrap()
}

async fn start(engine: &Engine, workflow: &str, input: Value) -> Result<RunId, Error> {
    let command = json!({ "workflow_id": workflow, "input": input });
    let command: CreateRun = serde_json::from_value(command).unwrap();
    engine.dispatch(command).await.map(|created| created.run_id)
}

async fn refusal(workflow: &str, input: Value) -> String {
    let error = start(&engine().await, workflow, input).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidInput);
    let text = error.to_string();
    let prefix = format!("the input of workflow `{workflow}` is not valid: ");
    text.strip_prefix(&prefix).unwrap_or_else(|| panic!("{text}")).to_owned()
}

fn order(items: &Value) -> Value {
    json!({ "order": { "items": items }, "percent": 5 })
}

#[tokio::test]
async fn a_rule_of_a_parameter_is_enforced_when_a_run_is_created() {
    let item = json!([{ "sku": "a", "pieces": 1 }]);
    let with = |key: &str, value: Value| {
        let mut input = order(&item);
        input[key] = value;
        input
    };
    for (input, reason) in [
        (with("percent", json!(0)), "`percent` is 0, but must be at least 1"),
        (with("percent", json!(101)), "`percent` is 101, but must be at most 100"),
        (with("code", json!("abcde")), "`code` has 5 characters, but must have at most 4 characters"),
        (with("code", json!("A")), "`code` is \"A\", but must match `^[a-z]*$`"),
    ] {
        assert_eq!(refusal("counting", input).await, reason);
    }
    let engine = engine().await;
    start(&engine, "counting", with("code", Value::Null)).await.unwrap();
    let typed = CountInput { order: Order { items: Vec::new() }, percent: 0, code: None };
    let error = engine.start::<Counting>(typed).await.unwrap_err();
    assert!(error.to_string().contains("`percent` is 0"), "{error}");
}

#[tokio::test]
async fn the_rules_of_nested_types_are_enforced_with_their_path() {
    let none = order(&json!([]));
    assert_eq!(refusal("counting", none).await, "`order.items` has 0 items, but must have at least 1 item");
    let two = order(&json!([{ "sku": "a", "pieces": 1 }, { "sku": "b", "pieces": 0 }]));
    assert_eq!(refusal("counting", two).await, "`order.items[1].pieces` is 0, but must be at least 1");
}

#[tokio::test]
async fn an_unknown_field_is_refused_with_its_path_and_the_nearest_name() {
    let mut input = order(&json!([{ "sku": "a", "pieces": 1 }]));
    input["precent"] = json!(5);
    assert_eq!(
        refusal("counting", input).await,
        "unknown field `precent`, did you mean `percent`; known are `code`, `order`, `percent`"
    );
    let nested = order(&json!([{ "sku": "a", "pieces": 1, "nota": "x" }]));
    assert_eq!(
        refusal("counting", nested).await,
        "`order.items[0]`: unknown field `nota`, did you mean `note`; known are `note`, `pieces`, `sku`"
    );
}

#[tokio::test]
async fn what_serde_reads_is_known() {
    let engine = engine().await;
    let aliased = order(&json!([{ "article": "a", "pieces": 2, "note": null }]));
    let run = start(&engine, "counting", aliased).await.unwrap();
    let run = engine.run_handle::<Counting>(run).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 10);
}

#[tokio::test]
async fn a_workflow_can_ignore_unknown_fields() {
    let world = World::memory().await;
    let engine = world.engine().register::<Lenient>().build().await.unwrap();
    let input = json!({
        "order": { "items": [{ "sku": "a", "pieces": 2, "weight": 1 }] }, "percent": 5, "source": "shop",
    });
    let run = start(&engine, "lenient", input).await.unwrap();
    assert_eq!(engine.run_handle::<Lenient>(run).await.unwrap().output().await.unwrap(), 10);
    let stored: Value = world.store.request(run).await.unwrap().unwrap().input.decode().unwrap();
    assert_eq!(
        stored,
        json!({ "order": { "items": [{ "sku": "a", "pieces": 2 }] }, "percent": 5, "code": null })
    );
    // The rules hold all the same.
    let broken = order(&json!([{ "sku": "a", "pieces": 0, "weight": 1 }]));
    assert_eq!(refusal("lenient", broken).await, "`order.items[0].pieces` is 0, but must be at least 1");
}

static CALLS: AtomicU32 = AtomicU32::new(0);

#[stage]
async fn weigh(#[input(range(..=10))] grams: u32) -> StageResult<u32> {
    CALLS.fetch_add(1, Ordering::SeqCst);
    Ok(grams)
}

#[stage]
async fn double(number: u32) -> StageResult<u32> {
    Ok(number * 2)
}

#[stage]
async fn price(cents: u32) -> StageResult<u32> {
    Ok(cents)
}

impl From<Item> for WeighInput {
    fn from(item: Item) -> Self {
        Self { grams: item.pieces }
    }
}

impl From<Item> for PriceInput {
    fn from(item: Item) -> Self {
        Self { cents: item.pieces }
    }
}

workflow! {
    Heads(Item) = [weigh, price];
    Later = double >> weigh
}

#[tokio::test]
async fn the_first_stages_of_a_group_check_the_input_that_they_make_of_the_runs() {
    let engine = Engine::builder("memory:").register::<Heads>().build().await.unwrap();
    let item = |pieces| Item { sku: "a".into(), pieces, note: None };
    let run = engine.start::<Heads>(item(10)).await.unwrap();
    assert_eq!(run.output().await.unwrap(), (10, 10));
    let error = engine.start::<Heads>(item(11)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the input of workflow `heads` is not valid: stage `weigh`: `grams` is 11, but must be at most 10"
    );
}

#[tokio::test]
async fn a_later_stage_whose_input_breaks_its_rule_fails_without_a_call() {
    let engine = Engine::builder("memory:").register::<Later>().build().await.unwrap();
    let run = engine.start::<Later>(DoubleInput { number: 5 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 10);
    let calls = CALLS.load(Ordering::SeqCst);
    let run = engine.start::<Later>(DoubleInput { number: 6 }).await.unwrap();
    let error = run.output().await.unwrap_err().to_string();
    assert!(
        error.contains("the input of stage `weigh` is not valid: `grams` is 12, but must be at most 10"),
        "{error}"
    );
    assert_eq!(CALLS.load(Ordering::SeqCst), calls);
}

#[tokio::test]
async fn a_pattern_that_is_no_regular_expression_is_an_error_of_build() {
    #[stage]
    async fn read(#[input(pattern = "(")] name: String) -> StageResult<String> {
        Ok(name)
    }

    workflow! { Reading = read }

    let error = Engine::builder("memory:").register::<Reading>().build().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidConfigRule);
    let text = error.to_string();
    let expected = "workflow `reading`, the input of stage `read`: the pattern of `name` cannot be read: ";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn a_rule_of_an_input_is_in_its_schema_and_not_in_the_fingerprint() {
    mod without_rules {
        use workflow_engine::prelude::*;

        #[stage]
        pub async fn measure(length: u32) -> StageResult<u32> {
            Ok(length)
        }

        workflow! { pub Measuring = measure }
    }

    #[stage]
    async fn measure(#[input(range(1..))] length: u32) -> StageResult<u32> {
        Ok(length)
    }

    workflow! { Measuring = measure }

    let schema = Measuring::definition().input_schema().to_value();
    assert_eq!(schema["properties"]["length"]["minimum"], 1);
    assert_eq!(
        Measuring::definition().stages[0].input_schema().to_value()["properties"]["length"]["minimum"],
        1
    );
    let before = without_rules::Measuring::definition();
    assert_eq!(Measuring::definition().fingerprint(), before.fingerprint());
}

/// The keys in JSON are those of the options, and the fields in Rust those of the function.
#[stage(rename_all = "camelCase")]
async fn publish(
    page_title: String,
    #[input(rename = "body", length(1..))] page_text: String,
    #[config(default = 3, range(1..))] max_links: u32,
    #[config(default = false, rename = "is-draft")] draft: bool,
) -> StageResult<String> {
    Ok(format!("{page_title}: {page_text} {max_links} {draft}"))
}

workflow! { Publishing = publish }

#[tokio::test]
async fn typed_and_json_starts_agree_on_renamed_keys() {
    let engine = Engine::builder("memory:").register::<Publishing>().build().await.unwrap();
    let input = PublishInput { page_title: "A".into(), page_text: "b".into() };
    let config = PublishingConfig { publish: PublishConfig { max_links: 5, draft: true } };
    let typed = engine.start::<Publishing>(input).config(config).idempotency_key("one").await.unwrap();
    // The same request, because the two have the same JSON.
    let command: CreateRun = serde_json::from_value(json!({
        "workflow_id": "publishing",
        "input": { "pageTitle": "A", "body": "b" },
        "config": { "publish": { "maxLinks": 5, "is-draft": true } },
        "idempotency_key": "one",
    }))
    .unwrap();
    assert_eq!(engine.dispatch(command).await.unwrap().run_id, typed.id());
    assert_eq!(typed.output().await.unwrap(), "A: b 5 true");

    let refuse = async |input: Value, config: Value| {
        let command = json!({ "workflow_id": "publishing", "input": input, "config": config });
        let command: CreateRun = serde_json::from_value(command).unwrap();
        engine.dispatch(command).await.unwrap_err().to_string()
    };
    let error = refuse(json!({ "page_title": "A", "pageTitle": "A", "body": "b" }), json!({})).await;
    assert!(
        error
            .ends_with("unknown field `page_title`, did you mean `pageTitle`; known are `body`, `pageTitle`")
    );
    let error = refuse(json!({ "pageTitle": "A", "body": "" }), json!({})).await;
    assert!(error.ends_with("`body` has 0 characters, but must have at least 1 character"), "{error}");
    let input = json!({ "pageTitle": "A", "body": "b" });
    let error = refuse(input.clone(), json!({ "publish": { "max_links": 5 } })).await;
    assert!(error.contains("unknown field `max_links`, did you mean `maxLinks`"), "{error}");
    let error = refuse(input, json!({ "publish": { "maxLinks": 0 } })).await;
    assert!(error.ends_with("stage `publish`: `maxLinks` is 0, but must be at least 1"), "{error}");
}

#[test]
fn a_schema_has_the_renamed_keys() {
    let stage = &Publishing::definition().stages[0];
    let keys = |schema: schemars::Schema| -> Vec<String> {
        schema.to_value()["properties"].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(keys(stage.input_schema()), ["body", "pageTitle"]);
    assert_eq!(keys(stage.config_schema()), ["is-draft", "maxLinks"]);
    assert_eq!(stage.default_config(), Some(json!({ "maxLinks": 3, "is-draft": false })));
    let json = Json::encode(&PublishConfig::default()).unwrap();
    assert_eq!(json.as_str(), r#"{"maxLinks":3,"is-draft":false}"#);
}
