//! Values that are too large, too deep or unreadable are refused before anything is written, on every store.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tests::on_every_store;
use tests::world::World;
use workflow_engine::kernel::{CreateRun, ExecuteJob, MAX_DEPTH, ReportStage, ReportedLog, TransitionRun};
use workflow_engine::prelude::*;
use workflow_engine::{Json, LogLevel};

/// Nested arrays.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Nest(Vec<Nest>);

impl Nest {
    fn of(depth: usize) -> Self {
        (1..depth).fold(Self(Vec::new()), |nest, _| Self(vec![nest]))
    }
}

#[stage(retry(max_attempts = 3))]
async fn write(length: usize, ctx: &StageContext) -> StageResult<String> {
    ctx.log(LogLevel::Info, "x".repeat(100_000), "y".repeat(100_000));
    Ok("x".repeat(length))
}

workflow! { writing = write }

#[stage(retry(max_attempts = 3))]
async fn nest(depth: usize) -> StageResult<Nest> {
    Ok(Nest::of(depth))
}

#[stage]
async fn unnest(nest: Nest) -> StageResult<usize> {
    Ok(nest.0.len())
}

workflow! { nesting = nest >> unnest }

#[stage]
async fn keep(length: usize, ctx: &StageContext) -> StageResult<()> {
    ctx.storage().put("long", &"x".repeat(length))?;
    Ok(())
}

workflow! { keeping = keep }

#[stage]
async fn take(value: serde_json::Value) -> StageResult<bool> {
    Ok(value.is_null())
}

workflow! { taking = take }

#[stage]
async fn talk(number: u32) -> StageResult<String> {
    Err(StageError::permanent("é".repeat(10_000 * number as usize)))
}

workflow! { talking = talk }

async fn engine(world: &World) -> Engine {
    let builder = world.engine().register::<writing>().register::<nesting>().register::<keeping>();
    let builder = builder.register::<taking>().register::<talking>();
    builder.payload_limit(10_000).build().await.unwrap()
}

async fn an_output_that_is_too_large_fails_its_stage_permanently(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<writing>(WriteInput { length: 9_998 }).await.unwrap();
    assert_eq!(run.output().await.unwrap().len(), 9_998);
    let run = engine.start::<writing>(WriteInput { length: 9_999 }).await.unwrap();
    let error = run.output().await.unwrap_err().to_string();
    assert!(error.contains("10001 bytes as JSON, more than the limit of 10000"), "{error}");
    assert!(error.contains("PAYLOAD_TOO_LARGE"), "{error}");
    let stage = &run.stages().await.unwrap()[0];
    assert_eq!((stage.status, stage.attempt), (Status::Failed, 1), "a retry would produce the same output");
}

/// A stored output that cannot be decoded would block every successor.
async fn an_output_that_cannot_be_read_back_is_not_stored(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<nesting>(NestInput { depth: MAX_DEPTH }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 1);
    let run = engine.start::<nesting>(NestInput { depth: MAX_DEPTH + 1 }).await.unwrap();
    let error = run.output().await.unwrap_err().to_string();
    assert!(
        error.contains("the output of stage `nest`") && error.contains("nested more than 127 levels"),
        "{error}"
    );
}

async fn an_artifact_that_is_too_large_fails_its_stage(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<keeping>(KeepInput { length: 20_000 }).await.unwrap();
    let error = run.output().await.unwrap_err().to_string();
    assert!(error.contains("artifact `long`") && error.contains("PAYLOAD_TOO_LARGE"), "{error}");
    assert!(run.artifacts().await.unwrap().is_empty());
}

async fn a_request_that_cannot_be_stored_creates_no_run(world: World) {
    let engine = engine(&world).await;
    let create = |input: &str, metadata: Option<&str>| {
        let create = CreateRun::new("taking", Json::parse(input).unwrap()).idempotency_key("once");
        match metadata {
            Some(metadata) => create.metadata(Json::parse(metadata).unwrap()),
            None => create,
        }
    };
    let long = format!(r#"{{"value": "{}"}}"#, "x".repeat(10_000));
    let deep = format!(r#"{{"value": {}{}}}"#, "[".repeat(200), "]".repeat(200));
    let nothing = r#"{"value": null}"#;
    let metadata = format!("{}{}", "[".repeat(128), "]".repeat(128));
    for (input, metadata, code) in [
        (long.as_str(), None, "PAYLOAD_TOO_LARGE"),
        (&deep, None, "INVALID_INPUT"),
        (r#"{"value": "\ud800"}"#, None, "INVALID_INPUT"),
        (r#"{"value": 1e131072}"#, None, "INVALID_INPUT"),
        (nothing, Some(metadata.as_str()), "PAYLOAD_TOO_DEEP"),
        (nothing, Some(r#"["\udc00"]"#), "PAYLOAD_UNREADABLE"),
        (nothing, Some("[1e400]"), "PAYLOAD_UNREADABLE"),
    ] {
        let error = engine.dispatch(create(input, metadata)).await.unwrap_err();
        assert!(error.is_invalid_input(), "{error:?}");
        assert_eq!(error.code(), code, "{error}");
    }
    assert!(tests::unfinished::unfinished::<taking>(&engine).await.unwrap().is_empty());
    // The key is still free, and texts that only look like invalid values are stored unchanged.
    let sound = create(r#"{"value": "\u0000 \ud83e\udd80 1e400"}"#, Some("[1e300]"));
    let run_id = engine.dispatch(sound).await.unwrap().run_id;
    assert!(!engine.run_handle::<taking>(run_id).await.unwrap().output().await.unwrap());
}

async fn an_idempotency_key_is_a_short_text(world: World) {
    let engine = engine(&world).await;
    let long = "k".repeat(256);
    for key in ["", "a\u{0}b", "a\nb", &long] {
        let started = engine.start::<writing>(WriteInput { length: 1 }).idempotency_key(key).await;
        assert_eq!(started.unwrap_err().code(), "INVALID_REQUEST", "{key:?}");
    }
    engine.start::<writing>(WriteInput { length: 1 }).idempotency_key("k".repeat(255)).await.unwrap();
}

async fn long_errors_and_log_lines_are_truncated(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<talking>(TalkInput { number: 1 }).await.unwrap();
    assert!(run.output().await.unwrap_err().is_run_failed());
    let error = run.stages().await.unwrap()[0].error_message.clone().unwrap();
    assert_eq!(error.len(), 8 * 1024, "the error is cut at a character boundary");

    let run = engine.start::<writing>(WriteInput { length: 1 }).await.unwrap();
    run.output().await.unwrap();
    let line = &world.store.logs(run.id(), 0, 10).await.unwrap()[0];
    assert_eq!(line.message.len(), 16 * 1024, "the message is truncated");
    assert_eq!(line.fields.as_str(), r#""(PAYLOAD_TOO_LARGE)""#, "the fields are replaced");
}

async fn a_long_cancel_reason_is_truncated(world: World) {
    let engine = world.engine().register::<writing>().without_worker().build().await.unwrap();
    let run = engine.start::<writing>(WriteInput { length: 1 }).await.unwrap();
    run.cancel("r".repeat(100_000)).await.unwrap();
    assert_eq!(run.record().await.unwrap().cancel_reason.unwrap().len(), 8 * 1024);
}

async fn a_long_report_by_command_is_truncated(world: World) {
    let engine = world.engine().register::<writing>().without_worker().build().await.unwrap();
    let run = engine.start::<writing>(WriteInput { length: 1 }).await.unwrap();
    engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    let lease = tests::manual_claims::claim(&*world.store, run.id(), "write").await.lease;
    let log = ReportedLog {
        level: LogLevel::Info,
        message: "m".repeat(100_000),
        fields: Json::parse(&format!("{}{}", "[".repeat(128), "]".repeat(128))).unwrap(),
        about_run: false,
    };
    engine.dispatch(ReportStage { lease, progress: None, logs: vec![log] }).await.unwrap();
    let line = &world.store.logs(run.id(), 0, 10).await.unwrap()[0];
    assert_eq!((line.message.len(), line.fields.as_str()), (16 * 1024, r#""(PAYLOAD_TOO_DEEP)""#));
}

/// An error shows only the beginning of an unknown name.
async fn a_long_name_in_a_request_is_not_repeated_in_full(world: World) {
    let engine = engine(&world).await;
    let name = "n".repeat(1_000_000);
    let run = engine.start::<writing>(WriteInput { length: 1 }).await.unwrap();
    let execute = ExecuteJob {
        worker_id: "w".into(),
        run_id: run.id(),
        stage_key: name.clone().into(),
        idempotency_key: None,
    };
    let errors = [
        engine.dispatch(execute).await.unwrap_err(),
        engine.wake(run.id(), name.clone()).await.unwrap_err(),
        engine.kernel().dispatch_json(&format!(r#"{{"type": "{name}"}}"#)).await.unwrap_err(),
        name.parse::<workflow_engine::RunId>().unwrap_err(),
    ];
    for error in errors {
        assert!(error.to_string().len() < 1_000, "{}", error.code());
    }
}

on_every_store!(
    an_output_that_is_too_large_fails_its_stage_permanently,
    an_output_that_cannot_be_read_back_is_not_stored,
    an_artifact_that_is_too_large_fails_its_stage,
    a_request_that_cannot_be_stored_creates_no_run,
    an_idempotency_key_is_a_short_text,
    long_errors_and_log_lines_are_truncated,
    a_long_cancel_reason_is_truncated,
    a_long_report_by_command_is_truncated,
    a_long_name_in_a_request_is_not_repeated_in_full,
);
