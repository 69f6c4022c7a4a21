//! Signals: before, during and after the wait, at once, and against the end of the wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use tests::events::{names, wait_for};
use tests::intercept::{Call, Intercepted, Interceptor};
use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::kernel::SignalRun;
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;
use workflow_engine::{EngineBuilder, Error, ErrorCode, Json, RunFilter};

const WEEK: Duration = Duration::from_secs(7 * 86_400);

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Decision {
    approved: bool,
    items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Item {
    cents: u32,
}

#[stage]
async fn draft(held: bool, ctx: &StageContext) -> StageResult<String> {
    if held {
        signal::give(ctx.run_id(), "drafting");
        signal::wait(ctx.run_id(), "drafted").await;
    }
    Ok("a draft".into())
}

#[stage(signal = Decision, give_up_after = "7d")]
async fn ask(draft: String) -> StageResult<String> {
    Ok(format!("may we send {draft}?"))
}

#[stage]
async fn book(decision: Decision) -> StageResult<String> {
    Ok(format!("{} {}", decision.approved, decision.items.iter().map(|item| item.cents).sum::<u32>()))
}

workflow! { sending = draft >> ask >> book }

#[stage]
async fn late(failure: StageFailure) -> StageResult<String> {
    Ok(failure.code)
}

workflow! {
    caught = draft >> match catch(ask) {
        Ok(decision) => book,
        Err(failure) => late,
    }
}

fn decision(approved: bool) -> Decision {
    Decision { approved, items: vec![Item { cents: 3 }, Item { cents: 4 }] }
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

async fn started(engine: &Engine, held: bool) -> RunHandle<sending> {
    engine.start::<sending>(DraftInput { held }).await.unwrap()
}

async fn waiting(engine: &Engine) -> RunHandle<sending> {
    let run = started(engine, false).await;
    wait_for(&run, |kind| matches!(kind, EventKind::WorkflowSuspended { .. })).await;
    run
}

async fn engine(world: &World) -> Engine {
    world.engine().register::<sending>().register::<caught>().build().await.unwrap()
}

fn code(result: Result<(), Error>) -> ErrorCode {
    result.unwrap_err().code()
}

async fn a_signal_during_the_wait_is_the_output(world: World) {
    let engine = engine(&world).await;
    let run = waiting(&engine).await;
    run.signal::<ask>(decision(true)).actor("ada").await.unwrap();
    assert_eq!(run.output().await.unwrap(), "true 7");
    assert_eq!(run.stage_output::<ask>().await.unwrap(), Some(decision(true)));
    let names = names(&run).await;
    let place = names.iter().position(|name| *name == "stage:signalled").unwrap();
    assert_eq!(
        names[place - 2..=place + 1],
        ["stage:suspended", "workflow:suspended", "stage:signalled", "stage:completed"]
    );
    let signals = run.signals().await.unwrap();
    assert_eq!((signals.len(), signals[0].actor.as_deref()), (1, Some("ada")));
    assert_eq!(signals[0].consumed_by, Some(1));
}

async fn a_signal_before_the_wait_is_kept(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine, true).await;
    signal::wait(run.id(), "drafting").await;
    run.signal::<ask>(decision(true)).await.unwrap();
    signal::give(run.id(), "drafted");
    assert_eq!(run.output().await.unwrap(), "true 7");
}

async fn a_signal_before_the_run_starts_is_kept(world: World) {
    let sender = world.engine().register::<sending>().without_worker().build().await.unwrap();
    let run = started(&sender, false).await;
    run.signal::<ask>(decision(false)).await.unwrap();
    let engine = engine(&world).await;
    let run = engine.run_handle::<sending>(run.id()).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "false 7");
}

async fn a_signal_after_the_wait_is_too_late_and_names_who_was_first(world: World) {
    let engine = engine(&world).await;
    let run = waiting(&engine).await;
    run.signal::<ask>(decision(true)).actor("ada").await.unwrap();
    run.output().await.unwrap();
    let error = run.signal::<ask>(decision(false)).actor("bob").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SignalTooLate);
    assert!(error.is_conflict());
    assert!(error.to_string().contains("`ada` was first"), "{error}");
}

async fn one_key_signals_once(world: World) {
    let engine = engine(&world).await;
    let run = waiting(&engine).await;
    let send = |approved| run.signal::<ask>(decision(approved)).idempotency_key("click-7").into_future();
    for sent in join_all((0..4).map(|_| send(true))).await {
        sent.unwrap();
    }
    assert_eq!(run.output().await.unwrap(), "true 7");
    send(true).await.unwrap();
    assert_eq!(code(send(false).await), ErrorCode::IdempotencyConflict);
    assert_eq!(run.signals().await.unwrap().len(), 1);
}

async fn two_signals_at_once_have_one_winner(world: World) {
    let engine = engine(&world).await;
    let run = waiting(&engine).await;
    let sends = (0..8).map(|number: u32| {
        let payload = Decision { approved: true, items: vec![Item { cents: number }] };
        let run = run.clone();
        async move { (number, run.signal::<ask>(payload).await) }
    });
    let sent = join_all(sends).await;
    let won: Vec<u32> = sent.iter().filter(|(_, sent)| sent.is_ok()).map(|(number, _)| *number).collect();
    assert_eq!(won.len(), 1, "{sent:?}");
    let lost = sent.into_iter().filter_map(|(_, sent)| sent.err());
    assert!(lost.map(|error| error.code()).all(|code| code == ErrorCode::SignalTooLate));
    assert_eq!(run.output().await.unwrap(), format!("true {}", won[0]));
}

async fn a_wait_without_a_signal_times_out(world: World) {
    let engine = engine(&world).await;
    let run = waiting(&engine).await;
    let due =
        || async { world.store.next_job_due(&[sending::definition().fingerprint().into()]).await.unwrap() };
    assert_eq!(due().await, Some(world.clock_now() + WEEK), "nothing polls for a signal");
    world.clock.advance(WEEK);
    assert!(run.output().await.unwrap_err().to_string().contains("timed out"));
    assert_eq!(run.record().await.unwrap().error.unwrap().code, "WAIT_TIMED_OUT");
    assert_eq!(code(run.signal::<ask>(decision(true)).await), ErrorCode::SignalTooLate);
}

async fn a_wait_that_times_out_is_a_value_in_a_catch(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<caught>(DraftInput { held: false }).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::WorkflowSuspended { .. })).await;
    world.clock.advance(WEEK);
    assert_eq!(run.output().await.unwrap(), "WAIT_TIMED_OUT");
    let run = engine.start::<caught>(DraftInput { held: false }).await.unwrap();
    run.signal::<ask>(decision(true)).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "true 7");
}

async fn a_signal_at_the_end_of_the_wait_has_one_winner(world: World) {
    let engine = engine(&world).await;
    for _ in 0..10 {
        let run = waiting(&engine).await;
        let (sent, ()) = tokio::join!(run.signal::<ask>(decision(true)).into_future(), async {
            world.clock.advance(WEEK);
        });
        match sent {
            Ok(()) => assert_eq!(run.output().await.unwrap(), "true 7"),
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::SignalTooLate);
                run.output().await.unwrap_err();
                assert_eq!(run.record().await.unwrap().error.unwrap().code, "WAIT_TIMED_OUT");
            }
        }
    }
}

/// Sends a signal from another process after the last check has read the empty queue, and before it fails the stage.
struct LateSignal {
    sender: Engine,
    is_sent: AtomicBool,
}

#[async_trait]
impl Interceptor for LateSignal {
    async fn after(&self, call: Call, _: u64) -> Result<(), Error> {
        if call.method == "next_signal" && !self.is_sent.swap(true, Ordering::SeqCst) {
            let waiting = self.sender.approvals().await?;
            assert!(waiting.is_empty(), "the stage is leased at the moment");
            let run = self.sender.runs(&RunFilter::new()).await?.items.pop().expect("a run waits");
            let run = self.sender.run_handle::<sending>(run.id).await?;
            run.signal::<ask>(decision(true)).await.expect("the stage still waits");
        }
        Ok(())
    }
}

async fn a_signal_during_the_last_check_wins(world: World) {
    let sender = world.engine().register::<sending>().without_worker().build().await.unwrap();
    let interceptor = Arc::new(LateSignal { sender, is_sent: AtomicBool::new(false) });
    let store = Arc::new(Intercepted::new(Arc::clone(&world.store), Arc::clone(&interceptor)));
    let engine = EngineBuilder::with_store(store, Arc::new(world.clock.clone()));
    let engine = engine.register::<sending>().build().await.unwrap();
    let run = waiting(&engine).await;
    world.clock.advance(WEEK);
    assert_eq!(run.output().await.unwrap(), "true 7");
    assert!(interceptor.is_sent.load(Ordering::SeqCst));
}

async fn a_wake_does_not_end_the_wait(world: World) {
    let engine = engine(&world).await;
    let run = waiting(&engine).await;
    assert!(run.wake::<ask>().await.unwrap());
    let is_due = || async {
        let due = world.store.next_job_due(&[sending::definition().fingerprint().into()]).await.unwrap();
        due == Some(world.clock_now() + WEEK)
    };
    while !is_due().await {
        tokio::task::yield_now().await;
    }
    run.signal::<ask>(decision(true)).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "true 7");
}

async fn a_rerun_asks_again(world: World) {
    let engine = engine(&world).await;
    let run = waiting(&engine).await;
    run.signal::<ask>(decision(true)).await.unwrap();
    run.output().await.unwrap();
    run.rerun_from::<ask>().await.unwrap();
    let is_waiting = || async { run.stages().await.unwrap()[1].status == Status::Suspended };
    while !is_waiting().await {
        tokio::task::yield_now().await;
    }
    run.signal::<ask>(decision(false)).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "false 7");
    let signals = run.signals().await.unwrap();
    assert_eq!(signals.iter().map(|signal| signal.consumed_by).collect::<Vec<_>>(), [Some(1), Some(2)]);
}

async fn a_cancelled_run_takes_no_signal(world: World) {
    let engine = engine(&world).await;
    let run = waiting(&engine).await;
    run.cancel("no longer needed").await.unwrap();
    let error = run.signal::<ask>(decision(true)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::RunOver);
    assert!(error.to_string().contains("CANCELLED"), "{error}");
}

async fn a_stage_that_waits_for_no_signal_is_refused_by_name(world: World) {
    let engine = engine(&world).await;
    let run = waiting(&engine).await;
    let error = run.any().signal("book", json("{}")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotASignalStage);
    assert!(error.to_string().contains("the stages that do are `ask`"), "{error}");
    assert_eq!(code(run.any().signal("bok", json("{}")).await), ErrorCode::StageNotFound);
}

async fn an_invalid_payload_names_the_path(world: World) {
    let engine = engine(&world).await;
    let run = waiting(&engine).await;
    for (payload, path) in [
        (r#"{"approved": "yes", "items": []}"#, "at `approved`"),
        (r#"{"approved": true, "items": [{"cents": 1}, {"cents": -1}]}"#, "at `items[1].cents`"),
        (r#"{"items": []}"#, "missing field `approved`"),
        (r#"{"approved": true, "items": [], "coment": "x"}"#, "no field `coment`"),
    ] {
        let error = run.any().signal("ask", json(payload)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidSignal, "{error}");
        assert!(error.to_string().contains(path), "{error}");
    }
    assert_eq!(run.signals().await.unwrap(), []);
}

async fn a_process_without_the_code_checks_the_payload_by_its_schema(world: World) {
    let engine = engine(&world).await;
    let run = waiting(&engine).await;
    let stranger = world.engine().without_worker().build().await.unwrap();
    let other = stranger.any_run(run.id()).await.unwrap();
    let invalid = json(r#"{"approved": true, "items": [{"cents": 1}, {"cents": "two"}]}"#);
    let error = other.signal("ask", invalid).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidSignal);
    assert!(error.to_string().contains("at `items[1].cents`"), "{error}");
    assert_eq!(code(other.signal("book", json("{}")).await), ErrorCode::NotASignalStage);
    assert_eq!(code(other.signal("bok", json("{}")).await), ErrorCode::StageNotFound);
    other.signal("ask", json(r#"{"approved": true, "items": [{"cents": 5}]}"#)).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "true 5");
}

async fn the_command_is_json_and_keeps_its_actor(world: World) {
    let engine = engine(&world).await;
    let run = waiting(&engine).await;
    let ada = workflow_engine::Actor::new("ada").via("test");
    let command = SignalRun::new(run.id(), "ask", json(r#"{"approved":true,"items":[]}"#));
    engine.by(ada.clone()).dispatch(command).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "true 0");
    assert_eq!(run.signals().await.unwrap()[0].actor.as_deref(), Some("ada"));
    let actions = engine.actions().await.unwrap();
    assert_eq!((actions[0].action.as_str(), actions[0].stage_id.as_deref()), ("signal", Some("ask")));
}

async fn approvals_are_listed_with_question_form_and_deadline(world: World) {
    let engine = engine(&world).await;
    assert_eq!(engine.approvals().await.unwrap().items, []);
    let first = waiting(&engine).await;
    world.clock.advance(Duration::from_secs(60));
    let second = waiting(&engine).await;
    // Also by a process that does not have the workflow.
    let stranger = world.engine().without_worker().build().await.unwrap();
    for engine in [&engine, &stranger] {
        let page = engine.approvals().limit(1).await.unwrap();
        assert_eq!((page.len(), page[0].run_id), (1, first.id()));
        assert_eq!(page[0].question.as_str(), "\"may we send a draft?\"");
        assert_eq!(page[0].form["properties"]["approved"]["type"], "boolean");
        assert_eq!(page[0].deadline, world.clock_now() + WEEK - Duration::from_secs(60));
        assert_eq!((page[0].stage_id.as_str(), page[0].stage_name.as_str()), ("ask", "Ask"));
        let next = engine.approvals().after(page.next.clone().unwrap()).await.unwrap();
        assert_eq!((next.len(), next[0].run_id, &next.next), (1, second.id(), &None));
    }
    let approval = stranger.approvals().await.unwrap().items.remove(0);
    let id: workflow_engine::ApprovalId = approval.id.to_string().parse().unwrap();
    stranger.answer(&id, json(r#"{"approved":true,"items":[]}"#)).actor("ada").await.unwrap();
    first.output().await.unwrap();
    let left = engine.approvals().await.unwrap();
    assert_eq!(left.iter().map(|approval| approval.run_id).collect::<Vec<_>>(), [second.id()]);
}

on_every_store!(
    a_signal_during_the_wait_is_the_output,
    a_signal_before_the_wait_is_kept,
    a_signal_before_the_run_starts_is_kept,
    a_signal_after_the_wait_is_too_late_and_names_who_was_first,
    one_key_signals_once,
    two_signals_at_once_have_one_winner,
    a_wait_without_a_signal_times_out,
    a_wait_that_times_out_is_a_value_in_a_catch,
    a_signal_at_the_end_of_the_wait_has_one_winner,
    a_signal_during_the_last_check_wins,
    a_wake_does_not_end_the_wait,
    a_rerun_asks_again,
    a_cancelled_run_takes_no_signal,
    a_stage_that_waits_for_no_signal_is_refused_by_name,
    an_invalid_payload_names_the_path,
    a_process_without_the_code_checks_the_payload_by_its_schema,
    the_command_is_json_and_keeps_its_actor,
    approvals_are_listed_with_question_form_and_deadline,
);

#[tokio::test]
async fn the_test_kit_waits_for_a_signal_in_virtual_time() {
    use workflow_engine::testing::{RunState, TestEngine};

    let mut test = TestEngine::<sending>::new();
    let run = test.start(DraftInput { held: false }).await;
    test.run_until(&run, RunState::is_waiting::<ask>).await;
    test.advance(Duration::from_secs(3 * 3_600)).await;
    run.signal::<ask>(decision(true)).actor("ada").await.unwrap();
    let run = test.finish(&run).await;
    assert_eq!(run.output.unwrap(), "true 7");
    assert_eq!(run.elapsed, Duration::from_secs(3 * 3_600));
    assert!(test.log().await.contains("3h        stage:signalled ask by ada\n"));

    let mut test = TestEngine::<sending>::new();
    let run = test.stub::<ask>(decision(false)).run(DraftInput { held: false }).await;
    assert_eq!(run.output.unwrap(), "false 7");
    assert_eq!(run.elapsed, Duration::ZERO, "a stub does not wait");

    let mut test = TestEngine::<sending>::new();
    let run = test.run(DraftInput { held: false }).await;
    assert_eq!(run.elapsed, WEEK);
    assert!(run.output.unwrap_err().to_string().contains("timed out"));
}
