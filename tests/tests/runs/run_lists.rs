//! Lists of runs, and tags.

use std::time::Duration;

use futures_util::TryStreamExt;
use serde_json::{Value, json};
use tests::exact_count::exact_count;
use tests::on_every_store;
use tests::world::World;
use workflow_engine::kernel::CreateRun;
use workflow_engine::prelude::*;
use workflow_engine::records::{Phase, WaitingFor};
use workflow_engine::{AnyRun, Cursor, ErrorCode, Json, RunFilter, RunId};

#[stage]
async fn divide(number: u32, by: u32) -> StageResult<u32> {
    number.checked_div(by).ok_or_else(|| StageError::permanent("division by zero"))
}

#[stage]
async fn other(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[stage(check = asked, poll_every = "1h")]
async fn ask(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[check]
async fn asked(_number: &u32) -> StageResult<Check<u32>> {
    Ok(Check::Pending)
}

#[stage]
async fn stumble(number: u32) -> StageResult<u32> {
    Err(StageError::retryable(format!("{number} is too early")))
}

#[stage(signal = Approval, give_up_after = "7d")]
async fn sign(number: u32) -> StageResult<String> {
    Ok(format!("May {number} go out?"))
}

#[stage]
async fn file(number: u32) -> StageResult<u32> {
    Ok(number)
}

workflow! {
    Division = divide;
    Other = other;
    Asking = ask;
    Stumbling = stumble;
    Signing = sign;
    Delegating = other >> Signing;
    Filing = other >> delay("1d") >> file;
}

/// Waits for an event of a run.
async fn event(run: &AnyRun, event_type: &str) {
    let events = run.events();
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.try_next().await.unwrap() {
        if event.kind.name() == event_type {
            return;
        }
    }
    panic!("run {} ended without {event_type}", run.id());
}

const fn input(number: u32, by: u32) -> DivideInput {
    DivideInput { number, by }
}

async fn list(engine: &Engine, filter: &RunFilter) -> Vec<RunId> {
    let runs: Vec<_> = engine.runs(filter).limit(2).stream().try_collect().await.unwrap();
    runs.iter().map(|run| run.id).collect()
}

async fn runs_are_found_by_what_is_known_of_them(world: World) {
    let engine = world.engine().register::<Division>().register::<Other>().build().await.unwrap();
    let good = engine.start::<Division>(input(6, 3)).tag("customer", "acme").await.unwrap();
    good.output().await.unwrap();
    let bad = engine.start::<Division>(input(6, 0)).tag("customer", "acme").await.unwrap();
    bad.output().await.unwrap_err();
    let other = engine.start::<Other>(OtherInput { number: 1 }).await.unwrap();
    other.output().await.unwrap();

    let new = RunFilter::new;
    assert_eq!(list(&engine, &new()).await, [other.id(), bad.id(), good.id()]);
    assert_eq!(list(&engine, &new().workflow::<Division>()).await, [bad.id(), good.id()]);
    assert_eq!(list(&engine, &new().status(Status::Failed)).await, [bad.id()]);
    assert_eq!(list(&engine, &new().error_code(ErrorCode::StageFailed)).await, [bad.id()]);
    assert_eq!(list(&engine, &new().tag("customer", "acme")).await, [bad.id(), good.id()]);
    let completed = new().tag("customer", "acme").status(Status::Completed);
    assert_eq!(list(&engine, &completed).await, [good.id()]);
    assert_eq!(list(&engine, &new().unfinished()).await, []);

    let page = engine.runs(&new()).limit(2).await.unwrap();
    assert_eq!(page.len(), 2);
    assert_eq!(page[0], other.record().await.unwrap());
    let next = page.next.unwrap();
    // A cursor travels as text.
    let next: Cursor = next.to_string().parse().unwrap();
    let last = engine.runs(&new()).limit(2).after(next).await.unwrap();
    assert_eq!(last.items.iter().map(|run| run.id).collect::<Vec<_>>(), [good.id()]);
    assert_eq!(last.next, None);

    assert_eq!(engine.count_runs(&new(), 2).await.unwrap().to_string(), "2+");
    assert_eq!(engine.count_runs(&new(), 3).await.unwrap().to_string(), "3");
    assert_eq!(engine.count_runs(&completed, 10_000).await.unwrap().to_string(), "1");
}

async fn runs_that_cannot_continue_are_found_by_the_reason(world: World) {
    let first = world.engine().register::<Division>().without_worker().build().await.unwrap();
    let blocked = first.start::<Division>(input(1, 1)).await.unwrap();
    let second = world.engine().register::<Other>().build().await.unwrap();
    second.start::<Other>(OtherInput { number: 1 }).await.unwrap().output().await.unwrap();

    let unknown = RunFilter::new().blocked_reason(ErrorCode::WorkflowNotFound);
    assert_eq!(list(&second, &unknown).await, [blocked.id()]);
    assert_eq!(list(&first, &unknown).await, []);
    assert_eq!(exact_count(&second, &unknown, 10).await.unwrap(), 1);
    assert_eq!(list(&second, &RunFilter::new().blocked_reason(ErrorCode::BudgetExceeded)).await, []);
    let ended = unknown.clone().status(Status::Completed);
    assert_eq!(list(&second, &ended).await, []);
    blocked.cancel("enough").await.unwrap();
    assert_eq!(list(&second, &unknown).await, []);
}

async fn runs_are_found_by_their_phase_and_what_they_wait_for(world: World) {
    let of_both = || world.engine().register::<Asking>().register::<Stumbling>();
    let starter = of_both().without_worker().build().await.unwrap();
    let list = async |filter: RunFilter| list(&starter, &filter).await;
    let new = RunFilter::new;
    let asked = starter.start::<Asking>(AskInput { number: 1 }).await.unwrap().any().clone();
    let retried = starter.start::<Stumbling>(StumbleInput { number: 2 }).await.unwrap().any().clone();
    let both = [retried.id(), asked.id()];
    assert_eq!(list(new().phase(Phase::Queued)).await, both);
    assert_eq!(list(new().waiting_for(WaitingFor::Worker)).await, both);
    assert_eq!(list(new().waiting_for(WaitingFor::Worker).status(Status::Failed)).await, []);

    let worker = of_both().build().await.unwrap();
    event(&asked, "stage:suspended").await;
    event(&retried, "stage:retrying").await;
    assert_eq!(list(new().phase(Phase::Queued)).await, []);
    assert_eq!(list(new().phase(Phase::Waiting)).await, [asked.id()]);
    assert_eq!(list(new().phase(Phase::Running)).await, [retried.id()]);
    assert_eq!(list(new().waiting_for(WaitingFor::Worker)).await, []);
    assert_eq!(list(new().waiting_for(WaitingFor::Check)).await, [asked.id()]);
    assert_eq!(list(new().waiting_for(WaitingFor::Retry)).await, [retried.id()]);
    assert_eq!(list(new().waiting_for(WaitingFor::Budget)).await, []);
    assert_eq!(exact_count(&starter, &new().waiting_for(WaitingFor::Retry), 10).await.unwrap(), 1);
    asked.cancel("enough").await.unwrap();
    assert_eq!(list(new().phase(Phase::Cancelled)).await, [asked.id()]);
    assert_eq!(list(new().phase(Phase::Cancelled).status(Status::Running)).await, []);
    assert_eq!(starter.count_runs(&new().phase(Phase::Completed), 10).await.unwrap().to_string(), "0");
    worker.shutdown().await;
}

async fn runs_are_found_by_the_signal_the_child_or_the_time_that_they_wait_for(world: World) {
    let of_all = || world.engine().register::<Signing>().register::<Delegating>().register::<Filing>();
    let worker = of_all().build().await.unwrap();
    let signing = worker.start::<Signing>(SignInput { number: 1 }).await.unwrap().any().clone();
    let delegating = worker.start::<Delegating>(OtherInput { number: 2 }).await.unwrap().any().clone();
    let filing = worker.start::<Filing>(OtherInput { number: 3 }).await.unwrap().any().clone();
    let tomorrow = Duration::from_secs(86_400);
    let later = worker.start::<Filing>(OtherInput { number: 4 }).after(tomorrow).await.unwrap();
    event(&signing, "stage:suspended").await;
    event(&delegating, "stage:suspended").await;
    event(&filing, "stage:completed").await;
    let child = loop {
        let children = list(&worker, &RunFilter::new().parent(delegating.id())).await;
        if let [child] = children[..] {
            break worker.any_run(child).await.unwrap();
        }
        tokio::task::yield_now().await;
    };
    event(&child, "stage:suspended").await;

    // A process without the workflows reads their definitions.
    let reader = world.engine().register::<Other>().without_worker().build().await.unwrap();
    for engine in [&worker, &reader] {
        let waiting = async |what| list(engine, &RunFilter::new().waiting_for(what)).await;
        assert_eq!(waiting(WaitingFor::Signal).await, [child.id(), signing.id()]);
        assert_eq!(waiting(WaitingFor::Child).await, [delegating.id()]);
        assert_eq!(waiting(WaitingFor::Time).await, [later.id(), filing.id()]);
        for nothing in [WaitingFor::Check, WaitingFor::Retry, WaitingFor::Budget, WaitingFor::Worker] {
            assert_eq!(waiting(nothing).await, [], "{nothing:?}");
        }
    }
    worker.shutdown().await;
}

async fn runs_are_found_by_their_key_and_by_the_beginning_of_their_id(world: World) {
    let engine = world.engine().register::<Other>().without_worker().build().await.unwrap();
    let mut ids = Vec::new();
    for key in ["a", "b", "c"] {
        let start = engine.start::<Other>(OtherInput { number: 1 }).idempotency_key(key);
        ids.insert(0, start.await.unwrap().id());
    }
    let new = RunFilter::new;
    assert_eq!(list(&engine, &new().idempotency_key("b")).await, [ids[1]]);
    assert_eq!(list(&engine, &new().idempotency_key("b").status(Status::Failed)).await, []);
    assert_eq!(list(&engine, &new().idempotency_key("none")).await, []);
    assert_eq!(engine.count_runs(&new().idempotency_key("b"), 10).await.unwrap().to_string(), "1");
    let whole = ids[1].to_string();
    assert_eq!(list(&engine, &new().id_prefix(&whole)).await, [ids[1]]);
    assert_eq!(list(&engine, &new().id_prefix(whole.to_uppercase().replace('-', ""))).await, [ids[1]]);
    // Ids of a test begin with the same time.
    let common = &whole[..6];
    assert_eq!(list(&engine, &new().id_prefix(common)).await, ids);
    assert_eq!(list(&engine, &new().id_prefix(common).idempotency_key("c")).await, [ids[0]]);
    assert_eq!(list(&engine, &new().id_prefix("f")).await, []);
    assert_eq!(list(&engine, &new().id_prefix("0").status(Status::Failed)).await, []);
    assert_eq!(engine.count_runs(&new().id_prefix(common), 10).await.unwrap().to_string(), "3");
    for wrong in ["", "-", "0x1", "g", &"0".repeat(33)] {
        let error = engine.runs(&new().id_prefix(wrong)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRunId, "{wrong}");
    }
}

async fn tags_that_cannot_be_stored_are_refused(world: World) {
    let engine = world.engine().register::<Division>().without_worker().build().await.unwrap();
    let start = || engine.start::<Division>(input(1, 1));
    let many = (0..17).fold(start(), |start, number| start.tag(number.to_string(), ""));
    for (start, text) in [
        (many, "at most 16 tags, not 17"),
        (start().tag("", "x"), "the key \"\""),
        (start().tag("k".repeat(65), "x"), "1 to 64 bytes"),
        (start().tag("line\nbreak", "x"), "no control characters"),
        (start().tag("key", "v".repeat(257)), "the value of `key` has 257 bytes"),
        (start().tag("key", "\u{7}"), "the value of `key` has a control character"),
        (start().tag("key", "first").tag("key", "second"), "the key \"key\" twice"),
    ] {
        let error = start.await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidTag);
        assert!(error.to_string().contains(text), "{error}");
    }
    assert_eq!(list(&engine, &RunFilter::new()).await, [], "a refused start creates nothing");

    let most = (0..16).fold(start(), |start, number| start.tag(format!("{number:064}"), "v".repeat(256)));
    let run = most.await.unwrap();
    let found = RunFilter::new().tag(format!("{:064}", 7), "v".repeat(256));
    assert_eq!(list(&engine, &found).await, [run.id()]);
}

async fn tags_do_not_identify_a_request(world: World) {
    let engine = world.engine().register::<Division>().without_worker().build().await.unwrap();
    let start = |tag: &str| engine.start::<Division>(input(1, 1)).idempotency_key("one").tag("try", tag);
    let first = start("first").await.unwrap();
    assert_eq!(start("second").await.unwrap().id(), first.id());
    assert_eq!(list(&engine, &RunFilter::new().tag("try", "first")).await, [first.id()]);
    assert_eq!(list(&engine, &RunFilter::new().tag("try", "second")).await, []);
}

async fn a_command_in_json_has_tags(world: World) {
    let engine = world.engine().register::<Division>().without_worker().build().await.unwrap();
    let create = |tags: Value| {
        let input = json!({"number": 1, "by": 1});
        json!({"type": "run.create", "workflow_id": "division", "input": input, "tags": tags}).to_string()
    };
    let created = engine.kernel().dispatch_json(&create(json!({"customer": "acme"}))).await.unwrap();
    let created: Value = created.decode().unwrap();
    let found = list(&engine, &RunFilter::new().tag("customer", "acme")).await;
    assert_eq!(found.len(), 1);
    assert_eq!(created["run_id"], json!(found[0]));
    let refused = engine.kernel().dispatch_json(&create(json!({"": "acme"}))).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidTag);
    let command = CreateRun::new("division", Json::parse(r#"{"number":1,"by":1}"#).unwrap());
    let tagged = engine.dispatch(command.tag("customer", "bell")).await.unwrap();
    assert_eq!(list(&engine, &RunFilter::new().tag("customer", "bell")).await, [tagged.run_id]);
}

async fn a_page_that_cannot_be_read_is_refused(world: World) {
    let engine = world.engine().build().await.unwrap();
    for limit in [0, 1_001] {
        let error = engine.runs(&RunFilter::new()).limit(limit).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest, "{error}");
    }
    for cursor in ["", "runs", "runs.7", "events.7", "runs.01900000-0000-7000-8000-000000000000 "] {
        let error = engine.runs(&RunFilter::new()).after(cursor.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest, "{cursor}: {error}");
    }
    engine.shutdown().await;
    world.store.close().await;
    assert!(engine.runs(&RunFilter::new()).await.unwrap_err().is_retryable());
}

#[test]
fn a_filter_is_json_with_optional_fields() {
    let filter = RunFilter::new().status(Status::Failed).tag("customer", "acme");
    let text = r#"{"statuses":["FAILED"],"tags":{"customer":"acme"}}"#;
    assert_eq!(serde_json::to_string(&filter).unwrap(), text);
    assert_eq!(serde_json::from_str::<RunFilter>(text).unwrap(), filter);
    assert!(serde_json::from_str::<RunFilter>(r#"{"status":"FAILED"}"#).is_err());
}

on_every_store!(
    runs_are_found_by_what_is_known_of_them,
    runs_that_cannot_continue_are_found_by_the_reason,
    runs_are_found_by_their_phase_and_what_they_wait_for,
    runs_are_found_by_the_signal_the_child_or_the_time_that_they_wait_for,
    runs_are_found_by_their_key_and_by_the_beginning_of_their_id,
    tags_that_cannot_be_stored_are_refused,
    tags_do_not_identify_a_request,
    a_command_in_json_has_tags,
    a_page_that_cannot_be_read_is_refused,
);
