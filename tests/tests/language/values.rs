//! Values arrive as they were sent, or their sender fails with the place of what cannot be kept.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tests::on_every_store;
use tests::world::World;
use workflow_engine::kernel::{AttachAnnotation, CreateRun};
use workflow_engine::prelude::*;
use workflow_engine::{Annotation, AnnotationFilter, AnnotationKey, Json, LogLevel};

/// Returns the same pseudo-random numbers between 0 and 1000 for the same seed.
fn numbers(seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        #[allow(clippy::cast_precision_loss, reason = "a random number")]
        let number = (state >> 11) as f64 / (1_u64 << 53) as f64 * 1_000.0;
        number
    };
    (0..2_000).map(|_| next()).collect()
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

#[stage]
async fn measure(
    sent: Vec<f64>,
    seed: u64,
    #[config(default = Vec::new())] offsets: Vec<f64>,
    ctx: &StageContext,
) -> StageResult<Vec<f64>> {
    if bits(&sent) != bits(&numbers(seed)) || bits(&offsets) != bits(&sent) {
        return Err(StageError::permanent("the input or the configuration has other numbers"));
    }
    ctx.put_artifact("sent", &sent)?;
    ctx.record_metric("first", sent[0])?;
    Ok(numbers(seed + 1))
}

#[stage(require(measure))]
async fn compare(measured: Vec<f64>, ctx: &StageContext<compare>) -> StageResult<Vec<u64>> {
    let artifact: Vec<f64> = ctx.storage().of::<measure>().get("sent").await?.unwrap_or_default();
    Ok(bits(&[artifact, measured].concat()))
}

workflow! { Measuring = measure >> compare }

async fn every_number_arrives_exactly(world: World) {
    let engine = world.engine().register::<Measuring>().build().await.unwrap();
    let (sent, seed) = (numbers(7), 7);
    let config = MeasuringConfig { measure: MeasureConfig { offsets: sent.clone() }, ..Default::default() };
    let run =
        engine.start::<Measuring>(MeasureInput { sent: sent.clone(), seed }).config(config).await.unwrap();
    assert_eq!(run.output().await.unwrap(), bits(&[numbers(7), numbers(8)].concat()));
    assert_eq!(run.stages().await.unwrap()[0].metrics["first"].to_bits(), sent[0].to_bits());
}

#[allow(clippy::option_option, reason = "it is what JSON cannot keep")]
#[derive(Debug, Default, Clone, Serialize, Deserialize, JsonSchema)]
struct Readings {
    by_sensor: BTreeMap<String, Vec<Option<f64>>>,
    last: Option<Option<u8>>,
    done: Option<()>,
    total: Amount,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Amount {
    Exact(f64),
    Whole(i64),
}

impl Default for Amount {
    fn default() -> Self {
        Self::Exact(0.5)
    }
}

/// Returns readings that have one value that JSON cannot tell from another, with its path and what it would become.
fn readings(kind: &str) -> Readings {
    let mut readings = Readings::default();
    match kind {
        "nan" => {
            readings.by_sensor.insert("a".into(), vec![Some(1.0), Some(f64::NAN)]);
        }
        "some of none" => readings.last = Some(None),
        "some of unit" => readings.done = Some(()),
        "another variant" => readings.total = Amount::Whole(1),
        _ => {}
    }
    readings
}

const LOST: [(&str, &str); 4] = [
    ("nan", "at `by_sensor.a[1]`, `Some(NaN (f64))` would be read back as `None`"),
    ("some of none", "at `last`, `Some(None)` would be read back as `None`"),
    ("some of unit", "at `done`, `Some(())` would be read back as `None`"),
    ("another variant", "at `total`, `1 (i64)` would be read back as `1.0 (f64)`"),
];

#[stage(retry(max_attempts = 3))]
async fn read(kind: String) -> StageResult<Readings> {
    Ok(readings(&kind))
}

#[stage]
async fn never(readings: Readings) -> StageResult<usize> {
    Ok(readings.by_sensor.len())
}

workflow! { Reading = read >> never }

#[stage(check = arrived)]
async fn wait(kind: String) -> StageResult<Readings> {
    Ok(readings(&kind))
}

#[check]
async fn arrived(ticket: &Readings) -> StageResult<Check<usize>> {
    Ok(Check::Ready(ticket.by_sensor.len()))
}

workflow! { Waiting = wait }

async fn an_output_or_ticket_that_would_arrive_as_another_value_fails_its_own_stage(world: World) {
    let engine = world.engine().register::<Reading>().register::<Waiting>().build().await.unwrap();
    for (kind, expected) in LOST {
        let run = engine.start::<Reading>(ReadInput { kind: kind.into() }).await.unwrap();
        let error = run.output().await.unwrap_err().to_string();
        let expected_text = format!(
            "the output of stage `read`, a `language::values::Readings`, cannot be stored: {expected}"
        );
        assert!(error.contains(&expected_text), "{error}");
        assert_eq!(run.record().await.unwrap().error.unwrap().code, "PAYLOAD_CHANGED");
        let stages = run.stages().await.unwrap();
        let states: Vec<_> = stages.iter().map(|stage| (stage.status, stage.attempt)).collect();
        assert_eq!(
            states,
            [(Status::Failed, 1), (Status::Cancelled, 0)],
            "a retry would return the same value"
        );

        let run = engine.start::<Waiting>(WaitInput { kind: kind.into() }).await.unwrap();
        let error = run.output().await.unwrap_err().to_string();
        assert!(error.contains("the ticket of stage `wait`") && error.contains(expected), "{error}");
        assert_eq!(run.record().await.unwrap().error.unwrap().code, "PAYLOAD_CHANGED");
    }
    let run = engine.start::<Reading>(ReadInput { kind: "sound".into() }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 0);
}

#[stage]
async fn take(
    readings: Readings,
    #[config(default = Readings::default())] limit: Readings,
) -> StageResult<usize> {
    Ok(readings.by_sensor.len() + limit.by_sensor.len())
}

workflow! { Taking = take }

async fn an_input_or_configuration_that_would_arrive_as_another_value_starts_nothing(world: World) {
    let engine = world.engine().register::<Taking>().build().await.unwrap();
    for (kind, expected) in LOST {
        let error = engine.start::<Taking>(TakeInput { readings: readings(kind) }).await.unwrap_err();
        assert_eq!(error.code(), "INVALID_INPUT", "{error}");
        assert!(error.to_string().contains(&expected.replace("at `", "at `readings.")), "{error}");

        let config = TakingConfig { take: TakeConfig { limit: readings(kind) } };
        let start = engine.start::<Taking>(TakeInput { readings: Readings::default() }).config(config);
        let error = start.await.unwrap_err();
        assert_eq!(error.code(), "INVALID_CONFIG", "{error}");
        assert!(error.to_string().contains(&expected.replace("at `", "at `take.limit.")), "{error}");
    }
    let start = engine.start::<Taking>(TakeInput { readings: Readings::default() });
    let error = start.metadata(json!({"a": 1}).as_object().map(|_| [f64::INFINITY])).await.unwrap_err();
    assert_eq!(error.code(), "PAYLOAD_CHANGED", "{error}");
    assert!(error.to_string().contains("at `[0]`, `inf` has no form in JSON"), "{error}");
    assert!(tests::unfinished::unfinished::<Taking>(&engine).await.unwrap().is_empty());
}

const SCORE: AnnotationKey<f64> = AnnotationKey::new("score");
const TREE: AnnotationKey<Value> = AnnotationKey::new("tree");

/// Returns nested arrays, more than a thread's stack has room for.
fn deep() -> Value {
    (0..6_000).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
}

/// Drops deep arrays without recursion.
fn dismantle(mut value: Value) {
    while let Value::Array(items) = &mut value {
        let Some(inner) = items.pop() else { break };
        value = inner;
    }
}

#[stage]
async fn effects(kind: String, ctx: &StageContext) -> StageResult<String> {
    let deep = deep();
    let refused = match kind.as_str() {
        "artifact" => ctx.put_artifact("a", &[1.0, f64::NAN]),
        "annotation" => ctx.annotate(SCORE.value(&f64::NAN)),
        "payload" => ctx.annotate(SCORE.value(&1.0).payload(&Some(()))),
        "deep artifact" => ctx.put_artifact("a", &deep),
        "deep annotation" => ctx.annotate(TREE.value(&deep)),
        _ => ctx.annotate(SCORE.value(&1.0).payload(&deep)),
    };
    dismantle(deep);
    ctx.log(LogLevel::Info, "loss", json!({"kind": kind}));
    ctx.log(LogLevel::Info, "deep", self::deep());
    ctx.log(LogLevel::Info, "not a number", [Some(f64::NAN), Some(1.0)]);
    refused.map(|()| String::new())
}

workflow! { Effecting = effects }

async fn an_effect_that_would_be_lost_in_part_is_refused_where_it_is_asked_for(world: World) {
    let engine = world.engine().register::<Effecting>().build().await.unwrap();
    let too_deep = "arrays and objects are nested more than 127 levels deep";
    for (kind, code, expected) in [
        (
            "artifact",
            "PAYLOAD_CHANGED",
            "artifact `a` of stage `effects` cannot be stored: at `[1]`, `NaN` has no form",
        ),
        (
            "annotation",
            "INVALID_ANNOTATION",
            "the value of `score` cannot be written: `NaN` has no form in JSON",
        ),
        (
            "payload",
            "INVALID_ANNOTATION",
            "its payload cannot be written: `Some` of a value that is `null` in JSON",
        ),
        ("deep artifact", "PAYLOAD_TOO_DEEP", too_deep),
        ("deep annotation", "INVALID_ANNOTATION", too_deep),
        ("deep payload", "INVALID_ANNOTATION", too_deep),
    ] {
        let run = engine.start::<Effecting>(EffectsInput { kind: kind.into() }).await.unwrap();
        let error = run.output().await.unwrap_err().to_string();
        assert!(error.contains(expected), "{kind}: {error}");
        assert_eq!(run.record().await.unwrap().error.unwrap().code, code, "{kind}");
        assert!(run.annotations(&AnnotationFilter::new()).await.unwrap().is_empty());
        let lines: Vec<_> = run.logs().collect().await;
        let fields: Vec<&str> = lines.iter().map(|line| line.as_ref().unwrap().fields.as_str()).collect();
        assert_eq!(fields[1..], [r#""(PAYLOAD_TOO_DEEP)""#, "[null,1.0]"]);
    }
}

fn create(input: &str, config: Option<&str>) -> CreateRun {
    let create = CreateRun::new("taking", Json::parse(input).unwrap()).idempotency_key("order-7");
    match config {
        Some(config) => create.config(Json::parse(config).unwrap()),
        None => create,
    }
}

async fn workflow_input_and_configuration_identify_a_request_and_nothing_else(world: World) {
    let engine = world.engine().register::<Taking>().build().await.unwrap();
    let input =
        r#"{"readings": {"by_sensor": {"a": [1.5], "b": []}, "last": null, "done": null, "total": 100.0}}"#;
    let first = engine.dispatch(create(input, None)).await.unwrap().run_id;
    let same = r#"{"readings":{"total":1e2,"done":null,"last":null,"by_sensor":{"b":[],"\u0061":[1.50]}}}"#;
    for again in [
        create(same, None),
        create(input, Some("{}")),
        create(input, None).priority(9).budget("1 USD".parse().unwrap()),
        create(input, None).metadata(Json::parse("[1]").unwrap()),
        create(input, None).tag("customer", "acme"),
        create(input, None).annotate(SCORE.value(&1.0)),
    ] {
        assert_eq!(engine.dispatch(again).await.unwrap().run_id, first);
    }
    let run = engine.run_handle::<Taking>(first).await.unwrap();
    assert_eq!(run.record().await.unwrap().priority, 5, "the first request decides");
    assert!(run.annotations(&AnnotationFilter::new()).await.unwrap().is_empty());

    let config = r#"{"take": {"limit": {"by_sensor": {}, "last": null, "done": null, "total": 0.5}}}"#;
    for other in [create(&input.replace("1.5", "1.25"), None), create(input, Some(config))] {
        assert_eq!(engine.dispatch(other).await.unwrap_err().code(), "IDEMPOTENCY_CONFLICT");
    }
}

/// The values in a run's stored form keep all their digits, so two requests that differ only there are two.
async fn large_numbers_that_differ_are_different_requests(world: World) {
    let engine = world.engine().register::<Counting>().build().await.unwrap();
    let count = |count: u128| engine.start::<Counting>(CountInput { count }).idempotency_key("count");
    let run = count(u128::MAX).await.unwrap();
    assert_eq!(count(u128::MAX).await.unwrap().id(), run.id());
    assert_eq!(count(u128::MAX - 1).await.unwrap_err().code(), "IDEMPOTENCY_CONFLICT");
    assert_eq!(run.output().await.unwrap(), u128::MAX);
}

#[stage]
async fn count(count: u128) -> StageResult<u128> {
    Ok(count)
}

workflow! { Counting = count }

#[stage]
async fn grow(levels: usize) -> StageResult<Value> {
    Ok((0..levels).fold(Value::Null, |inner, _| Value::Array(vec![inner])))
}

#[stage]
async fn shrink(tree: Value) -> StageResult<bool> {
    Ok(tree.is_array())
}

workflow! { Growing = grow >> shrink }

#[stage]
async fn hold(tree: Value) -> StageResult<bool> {
    Ok(tree.is_array())
}

workflow! { Holding = hold }

async fn a_value_of_thousands_of_levels_is_refused_and_the_process_lives(world: World) {
    let engine = world.engine().register::<Growing>().register::<Holding>().build().await.unwrap();
    for levels in [128, 6_000, 200_000] {
        let run = engine.start::<Growing>(GrowInput { levels }).await.unwrap();
        let error = run.output().await.unwrap_err().to_string();
        assert!(error.contains("the output of stage `grow`") && error.contains("127 levels deep"), "{error}");
        assert_eq!(run.record().await.unwrap().error.unwrap().code, "PAYLOAD_TOO_DEEP");
    }
    let error = engine.start::<Holding>(HoldInput { tree: deep() }).await.unwrap_err();
    assert_eq!(error.code(), "PAYLOAD_TOO_DEEP", "{error}");
    let start = engine.start::<Holding>(HoldInput { tree: Value::Null }).metadata(deep());
    assert_eq!(start.await.unwrap_err().code(), "PAYLOAD_TOO_DEEP");

    let tree = format!("{}{}", "[".repeat(6_000), "]".repeat(6_000));
    let run = engine.start::<Holding>(HoldInput { tree: json!([]) }).await.unwrap();
    for (command, code) in [
        (
            format!(r#"{{"type": "run.create", "workflow_id": "holding", "input": {{"tree": {tree}}}}}"#),
            "INVALID_INPUT",
        ),
        (
            format!(
                r#"{{"type": "run.create", "workflow_id": "holding", "input": {{"tree": 1, "more": {tree}}}, "idempotency_key": "k"}}"#
            ),
            "INVALID_INPUT",
        ),
        (
            format!(
                r#"{{"type": "run.create", "workflow_id": "holding", "input": {{"tree": 1}}, "metadata": {tree}}}"#
            ),
            "PAYLOAD_TOO_DEEP",
        ),
        (
            format!(
                r#"{{"type": "annotation.attach", "run_id": "{}", "attributes": {{"a": {tree}}}}}"#,
                run.id()
            ),
            "INVALID_ANNOTATION",
        ),
        (format!(r#"{{"type": {tree}}}"#), "INVALID_REQUEST"),
        (tree.clone(), "INVALID_REQUEST"),
    ] {
        let error = engine.kernel().dispatch_json(&command).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    let mut annotation = Annotation::default();
    annotation.attributes.insert("a".to_owned(), Json::parse(&tree).unwrap());
    let error = engine.dispatch(AttachAnnotation::new(run.id(), annotation)).await.unwrap_err();
    assert_eq!(error.code(), "INVALID_ANNOTATION", "{error}");
    assert!(run.output().await.unwrap());
}

on_every_store!(
    every_number_arrives_exactly,
    an_output_or_ticket_that_would_arrive_as_another_value_fails_its_own_stage,
    an_input_or_configuration_that_would_arrive_as_another_value_starts_nothing,
    an_effect_that_would_be_lost_in_part_is_refused_where_it_is_asked_for,
    workflow_input_and_configuration_identify_a_request_and_nothing_else,
    large_numbers_that_differ_are_different_requests,
    a_value_of_thousands_of_levels_is_refused_and_the_process_lives,
);
