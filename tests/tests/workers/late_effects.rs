//! What a task asks for after its stage has ended is refused, and too many log lines are dropped with a mark.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use futures_util::StreamExt;
use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::ledger::{CallOutcome, CallReservation};
use workflow_engine::prelude::*;
use workflow_engine::records::CallType;
use workflow_engine::{AnnotationFilter, AnnotationKey, Cost, LogLevel, RunId, Statement};

const NOTE: AnnotationKey<u32> = AnnotationKey::new("note");

/// What the left-behind tasks were told, by run.
static REFUSED: LazyLock<Mutex<HashMap<RunId, Vec<String>>>> = LazyLock::new(Mutex::default);

fn call() -> CallReservation {
    CallReservation {
        topic: "t".into(),
        call_type: CallType::Text,
        model_key: "m".into(),
        model_id: "m".into(),
        prompt: None,
        metadata: None,
        reserve: Cost::ZERO,
    }
}

#[stage]
async fn leave(number: u32, ctx: &StageContext) -> StageResult<u32> {
    let reserved = ctx.ledger().reserve(call()).await?;
    let ctx = ctx.clone();
    tokio::spawn(async move {
        signal::wait(ctx.run_id(), "ended").await;
        let refused = [
            ctx.annotate(NOTE.value(&1)).err(),
            ctx.put_artifact("late", &1).err(),
            ctx.record_metric("late", 1.0).err(),
            ctx.transaction().execute(Statement::new("DELETE FROM t")).err(),
        ];
        let mut refused: Vec<String> = refused.into_iter().flatten().map(|error| error.to_string()).collect();
        let settled = ctx
            .ledger()
            .settle(reserved, CallOutcome::Settled(workflow_engine::ledger::SettledCall::default()))
            .await;
        refused.extend(settled.err().map(|error| error.to_string()));
        refused.extend(ctx.ledger().reserve(call()).await.err().map(|error| error.to_string()));
        ctx.storage().delete("late");
        ctx.log(LogLevel::Info, "late", ());
        ctx.progress(0.5, "late");
        REFUSED.lock().unwrap().insert(ctx.run_id(), refused);
        signal::give(ctx.run_id(), "told");
    });
    Ok(number)
}

workflow! { Leaving = leave }

async fn effects_asked_for_after_the_stage_has_ended_are_refused(world: World) {
    let engine = world.engine().register::<Leaving>().build().await.unwrap();
    let run = engine.start::<Leaving>(LeaveInput { number: 1 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 1);
    signal::give(run.id(), "ended");
    signal::wait(run.id(), "told").await;
    let refused = REFUSED.lock().unwrap().remove(&run.id()).unwrap();
    for (refused, what) in refused.iter().zip(["an annotation", "an artifact", "a metric", "a statement"]) {
        let expected = format!(
            "attempt 1 of stage `leave` of run {} has ended, and {what} would not be committed: await the task that adds it \
             before the function returns",
            run.id()
        );
        assert_eq!(*refused, expected);
    }
    assert_eq!(refused.len(), 6, "{refused:?}");
    assert!(refused[4].contains("lease") && refused[5].contains("lease"), "{refused:?}");
    assert!(run.annotations(&AnnotationFilter::new()).await.unwrap().is_empty());
    assert!(run.artifacts().await.unwrap().is_empty());
    assert_eq!(run.logs().count().await, 0);
}

#[stage]
async fn shout(lines: usize, ctx: &StageContext) -> StageResult<usize> {
    for line in 0..lines {
        ctx.log(LogLevel::Info, format!("line {line}"), ());
    }
    Ok(lines)
}

workflow! { Shouting = shout }

async fn too_many_log_lines_lose_the_middle_and_say_how_many(world: World) {
    let engine = world.engine().register::<Shouting>().build().await.unwrap();
    let run = engine.start::<Shouting>(ShoutInput { lines: 10_250 }).await.unwrap();
    run.output().await.unwrap();
    let lines: Vec<String> = run.logs().map(|line| line.unwrap().message).collect().await;
    assert_eq!(lines.len(), 10_001);
    assert_eq!((lines[0].as_str(), lines[4_999].as_str()), ("line 0", "line 4999"));
    assert!(lines[5_000].starts_with("250 log lines were dropped here"), "{}", lines[5_000]);
    assert_eq!((lines[5_001].as_str(), lines[10_000].as_str()), ("line 5250", "line 10249"));

    let run = engine.start::<Shouting>(ShoutInput { lines: 10_000 }).await.unwrap();
    run.output().await.unwrap();
    assert_eq!(run.logs().count().await, 10_000);
}

on_every_store!(
    effects_asked_for_after_the_stage_has_ended_are_refused,
    too_many_log_lines_lose_the_middle_and_say_how_many,
);
