//! Configurations: the rules of their fields, presets, clashes and slips.

mod nested;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use workflow_engine::Json;
use workflow_engine::kernel::CreateRun;
use workflow_engine::prelude::*;
use workflow_engine::presets::{AiConfig, ConcurrencyConfig, DebugConfig, FullConfig, StandardConfig};
use workflow_engine::value::NoInput;

#[stage]
async fn shape(
    #[config(default = 3, range(0..=10))] max: u8,
    #[config(default = 0.5, range(0.0..1.0))] share: f64,
    #[config(range(1..))] times: Option<i64>,
    #[config(default = "de".to_owned(), length(1..=4), pattern = "^[a-zäöü]*$")] language: String,
    #[config(default = vec![1], length(1..3))] tags: Vec<u32>,
    #[config(default = BTreeMap::new(), length(..=1))] names: BTreeMap<String, u32>,
) -> StageResult<String> {
    Ok(format!("{max} {share} {times:?} {language} {tags:?} {names:?}"))
}

workflow! { shaping = shape }

/// The error of the engine for this configuration of the one stage.
async fn refusal<W: Workflow<Input = NoInput>>(stage: &str, config: Value) -> String {
    let engine = Engine::builder("memory:").register::<W>().without_worker().build().await.unwrap();
    let command = CreateRun::new(&W::definition().id, Json::null())
        .config(Json::encode(&json!({ stage: config })).unwrap());
    match engine.dispatch(command).await {
        Ok(_) => String::new(),
        Err(error) => {
            assert_eq!(error.code(), "INVALID_CONFIG");
            let text = error.to_string();
            let prefix = format!("stage `{stage}`: ");
            text.split_once(&prefix).map_or(text.clone(), |(_, reason)| reason.to_owned())
        }
    }
}

#[tokio::test]
async fn a_rule_is_checked_when_a_run_is_created() {
    for (config, reason) in [
        (json!({}), ""),
        (json!({"max": 10, "share": 0.99, "times": 1, "language": "äöü", "tags": [1, 2]}), ""),
        (json!({"times": null}), ""),
        (json!({"max": 11}), "`max` is 11, but must be at most 10"),
        (json!({"share": 1.0}), "`share` is 1.0, but must be less than 1.0"),
        (json!({"share": -0.5}), "`share` is -0.5, but must be at least 0.0"),
        (json!({"times": 0}), "`times` is 0, but must be at least 1"),
        (json!({"language": ""}), "`language` has 0 characters, but must have at least 1 character"),
        (json!({"language": "äöüäö"}), "`language` has 5 characters, but must have at most 4 characters"),
        (json!({"language": "a b"}), "`language` is \"a b\", but must match `^[a-zäöü]*$`"),
        (json!({"tags": []}), "`tags` has 0 items, but must have at least 1 item"),
        (json!({"tags": [1, 2, 3]}), "`tags` has 3 items, but must have at most 2 items"),
        (json!({"names": {"a": 1, "b": 2}}), "`names` has 2 entries, but must have at most 1 entry"),
        (
            json!({"max": 11, "tags": []}),
            "`max` is 11, but must be at most 10; `tags` has 0 items, but must have at least 1 item",
        ),
        (json!({"max": "x"}), "field `max`: invalid type: string \"x\", expected u8 at line 1 column 11"),
    ] {
        let said = refusal::<shaping>("shape", config.clone()).await;
        // The order of several is that of the schema.
        let said: Vec<&str> = {
            let mut parts: Vec<_> = said.split("; ").collect();
            parts.sort_unstable();
            parts
        };
        assert_eq!(said.join("; "), reason, "{config}");
    }
}

#[tokio::test]
async fn a_typed_configuration_obeys_the_same_rules() {
    let engine = Engine::builder("memory:").register::<shaping>().build().await.unwrap();
    let config = ShapingConfig { shape: ShapeConfig { max: 200, ..ShapeConfig::default() } };
    let error = engine.start::<shaping>(NoInput).config(config).await.unwrap_err();
    assert!(error.to_string().ends_with("stage `shape`: `max` is 200, but must be at most 10"), "{error}");
    engine.shutdown().await;
}

#[tokio::test]
async fn an_unknown_stage_names_the_nearest_known_one() {
    for (stage, reason) in [
        ("shap", "it has no stage `shap`, did you mean `shape`; its stages are `shape`"),
        ("report", "it has no stage `report`; its stages are `shape`"),
    ] {
        let said = refusal::<shaping>(stage, json!({})).await;
        assert!(said.ends_with(reason), "{said}");
    }
}

#[test]
fn rules_are_in_the_schema_under_their_usual_names() {
    let schema = shaping::definition().stages[0].config_schema().to_value();
    let field = |name: &str, keyword: &str| schema["properties"][name][keyword].clone();
    assert_eq!((field("max", "minimum"), field("max", "maximum")), (json!(0), json!(10)));
    assert_eq!((field("share", "minimum"), field("share", "exclusiveMaximum")), (json!(0.0), json!(1.0)));
    assert_eq!(field("times", "minimum"), json!(1));
    assert_eq!((field("language", "minLength"), field("language", "maxLength")), (json!(1), json!(4)));
    assert_eq!(field("language", "pattern"), json!("^[a-zäöü]*$"));
    assert_eq!((field("tags", "minItems"), field("tags", "maxItems")), (json!(1), json!(2)));
    assert_eq!(field("names", "maxProperties"), json!(1));
    let whole = shaping::definition().config_schema().to_value();
    assert!(whole.to_string().contains(r#""maximum":10"#), "{whole}");
}

/// The same workflow under another rule.
macro_rules! ruled {
    ($module:ident: $($rule:tt)*) => {
        mod $module {
            use workflow_engine::prelude::*;

            #[stage]
            pub async fn shape(#[config(default = 3 $($rule)*)] max: u8) -> StageResult<u8> {
                Ok(max)
            }

            workflow! { pub shaping = shape }
        }
    };
}

ruled!(free:);
ruled!(narrow: , range(1..=5));
ruled!(wide: , range(..100));

#[test]
fn a_rule_is_no_part_of_the_fingerprint() {
    let fingerprint = free::shaping::definition().fingerprint();
    assert_eq!(narrow::shaping::definition().fingerprint(), fingerprint);
    assert_eq!(wide::shaping::definition().fingerprint(), fingerprint);
}

const LARGE: u8 = 11;

#[stage]
async fn careless(#[config(default = LARGE, range(..=10))] max: u8) -> StageResult<u8> {
    Ok(max)
}

#[stage]
async fn misspelt(#[config(default = String::new(), pattern = "(")] text: String) -> StageResult<String> {
    Ok(text)
}

workflow! {
    broken_default = careless;
    broken_pattern = misspelt
}

async fn build<W: Workflow>() -> workflow_engine::Error {
    Engine::builder("memory:").register::<W>().build().await.unwrap_err()
}

#[tokio::test]
async fn a_default_that_breaks_its_own_rule_is_refused_when_the_engine_is_built() {
    let error = build::<broken_default>().await;
    assert_eq!(error.code(), "INVALID_CONFIG_RULE");
    assert_eq!(
        error.to_string(),
        "workflow `broken-default`, stage `careless`: the default of `max` is 11, but must be at most 10"
    );
}

#[tokio::test]
async fn a_pattern_that_is_none_is_refused_when_the_engine_is_built() {
    let error = build::<broken_pattern>().await;
    assert_eq!(error.code(), "INVALID_CONFIG_RULE");
    let text = error.to_string();
    assert!(
        text.starts_with(
            "workflow `broken-pattern`, stage `misspelt`: the pattern of `text` cannot be read: "
        ),
        "{text}"
    );
}

#[stage]
async fn assisted(
    #[config(default = 1)] depth: u32,
    #[config(flatten)] standard: StandardConfig,
    #[config(flatten)] debug: DebugConfig,
) -> StageResult<(u32, StandardConfig, DebugConfig)> {
    Ok((depth, standard, debug))
}

workflow! { assisting = assisted }

#[tokio::test]
async fn presets_stand_among_the_stages_own_fields() {
    let engine = Engine::builder("memory:").register::<assisting>().build().await.unwrap();
    let (depth, standard, debug) = engine.start::<assisting>(NoInput).await.unwrap().output().await.unwrap();
    assert_eq!((depth, standard, debug), (1, StandardConfig::default(), DebugConfig::default()));

    let config: AssistingConfig = serde_json::from_value(json!({"assisted": {
        "depth": 2, "model": "mini", "max_tokens": 9, "concurrency": 2, "dry_run": true, "feature_flags": {"a": true}
    }}))
    .unwrap();
    let run = engine.start::<assisting>(NoInput).config(config).await.unwrap();
    let (depth, standard, debug) = run.output().await.unwrap();
    assert_eq!((depth, standard.ai.model.as_str(), standard.ai.max_tokens), (2, "mini", Some(9)));
    assert_eq!((standard.concurrency.concurrency, standard.concurrency.max_retries), (2, 3));
    assert!(standard.features.is_on("a") && debug.dry_run && !debug.verbose);
    engine.shutdown().await;

    let schema = assisting::definition().stages[0].config_schema().to_value();
    let fields: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        [
            "concurrency",
            "delay_ms",
            "depth",
            "dry_run",
            "feature_flags",
            "max_retries",
            "max_tokens",
            "model",
            "temperature",
            "verbose"
        ]
    );
    assert_eq!(schema["properties"]["temperature"]["maximum"], json!(2));
    assert_eq!(
        schema["properties"]["temperature"].get("default"),
        None,
        "a request has none unless it is set"
    );
}

#[tokio::test]
async fn a_preset_brings_its_rules() {
    for (config, reason) in [
        (json!({"temperature": 2}), ""),
        (json!({"temperature": 2.5}), "`temperature` is 2.5, but must be at most 2"),
        (json!({"concurrency": 0}), "`concurrency` is 0, but must be at least 1"),
        (json!({"model": ""}), "`model` has 0 characters, but must have at least 1 character"),
        (json!({"max_tokens": 0}), "`max_tokens` is 0, but must be at least 1"),
    ] {
        assert_eq!(refusal::<assisting>("assisted", config).await, reason);
    }
}

#[tokio::test]
async fn an_unknown_key_names_the_nearest_known_one_through_flattened_structures() {
    for (key, nearest) in
        [("dephth", "depth"), ("modell", "model"), ("dryrun", "dry_run"), ("concurency", "concurrency")]
    {
        let said = refusal::<assisting>("assisted", json!({ key: 1 })).await;
        assert!(
            said.starts_with(&format!("unknown field `{key}`, did you mean `{nearest}`; known are ")),
            "{said}"
        );
    }
    // The generated types alone know what a plain structure takes.
    let error = serde_json::from_value::<DirectConfig>(json!({"modell": "x"})).unwrap_err().to_string();
    assert!(error.starts_with("unknown field `modell`, did you mean `model`; known are `depth`"), "{error}");
}

#[stage]
async fn direct(#[config(default = 1)] depth: u32, #[config(flatten)] ai: AiConfig) -> StageResult<u32> {
    let _ = ai;
    Ok(depth)
}

#[stage]
async fn open(
    #[config(default = 1)] depth: u32,
    #[config(flatten)] others: BTreeMap<String, Value>,
) -> StageResult<BTreeMap<String, Value>> {
    let _ = depth;
    Ok(others)
}

workflow! {
    directing = direct;
    opening = open
}

#[tokio::test]
async fn a_flattened_map_takes_the_keys_that_no_other_field_knows() {
    assert_eq!(refusal::<opening>("open", json!({"anything": 1})).await, "");
    assert_ne!(refusal::<directing>("direct", json!({"anything": 1})).await, "");
}

#[stage]
async fn twice(
    #[config(flatten)] full: FullConfig,
    #[config(flatten)] debug: DebugConfig,
) -> StageResult<bool> {
    Ok(full.debug.verbose || debug.verbose)
}

#[stage]
async fn own(
    #[config(default = 4)] concurrency: usize,
    #[config(flatten)] speed: ConcurrencyConfig,
) -> StageResult<usize> {
    Ok(concurrency + speed.concurrency)
}

#[stage(check = looked)]
async fn waiting(#[config(default = 4)] depth: u32) -> StageResult<u32> {
    Ok(depth)
}

#[check]
async fn looked(ticket: &u32, #[config(default = 4)] depth: u32) -> StageResult<Check<u32>> {
    Ok(Check::Ready(ticket + depth))
}

workflow! {
    two_presets = twice;
    field_and_preset = own;
    stage_and_check = waiting
}

#[tokio::test]
async fn two_fields_of_one_name_are_refused_when_the_engine_is_built() {
    let error = build::<two_presets>().await;
    assert_eq!(error.code(), "CONFIG_FIELD_CLASH");
    assert_eq!(
        error.to_string(),
        "workflow `two-presets`, stage `twice`: two fields of its configuration are named `dry_run`; rename one, or \
         flatten only one of them"
    );
    let error = build::<field_and_preset>().await;
    assert_eq!(error.code(), "CONFIG_FIELD_CLASH");
    assert!(error.is_invalid_input());
    assert_eq!(build::<stage_and_check>().await.code(), "CONFIG_FIELD_CLASH");
    assert!(
        error.to_string().contains("stage `own`: two fields of its configuration are named `concurrency`")
    );
}
