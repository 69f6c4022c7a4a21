//! The public test kit, used on a workflow like in a user's test.

mod control;
mod crashes;
mod several;
mod stubs;

use std::time::Duration;

use workflow_engine::prelude::*;
use workflow_engine::testing::TestEngine;

/// A stage with two attempts, a day apart.
#[stage(retry(max_attempts = 2, initial = "1d", max = "1d"))]
async fn order(number: u32) -> StageResult<u32> {
    Ok(number + 1)
}

#[stage]
async fn pack(number: u32, #[config(default = 10)] boxes: u32) -> StageResult<u32> {
    Ok(number * boxes)
}

#[stage]
async fn pay(number: u32) -> StageResult<String> {
    Ok(format!("{number} paid"))
}

/// A stage that exceeds its timeout in the first attempt if there is nothing to ship.
#[stage(timeout = "1h")]
async fn ship(packed: u32, paid: String, ctx: &StageContext) -> StageResult<String> {
    if ctx.attempt() == 1 && packed == 0 {
        std::future::pending::<()>().await;
    }
    Ok(format!("{packed} shipped, {paid}"))
}

workflow! { shop = order >> [pack, pay] >> ship }

#[tokio::test]
async fn a_run_without_faults_takes_no_time() {
    let run = TestEngine::<shop>::new().run(OrderInput { number: 1 }).await;
    assert_eq!(run.output.as_ref().unwrap(), "20 shipped, 2 paid");
    assert_eq!(run.elapsed, Duration::ZERO);
    assert_eq!(run.outputs.pack, Some(20));
    assert_eq!(run.events.len(), 11);
}

#[tokio::test]
async fn days_of_waiting_pass_immediately() {
    let mut test = TestEngine::<shop>::new();
    let run = test.fail::<order>(1, "no stock").run(OrderInput { number: 1 }).await;
    assert_eq!(run.output.as_ref().unwrap(), "20 shipped, 2 paid");
    assert_eq!(run.attempts::<order>(), 2);
    assert_eq!(run.elapsed, Duration::from_secs(24 * 3600));
}

#[tokio::test]
async fn a_hanging_body_times_out() {
    let mut test = TestEngine::<shop>::new();
    let mut config = ShopConfig::default();
    config.pack.boxes = 0;
    let run = test.config(config).run(OrderInput { number: 1 }).await;
    assert_eq!(run.output.as_ref().unwrap(), "0 shipped, 2 paid");
    assert_eq!(run.attempts::<ship>(), 2);
}

#[tokio::test]
async fn no_attempt_follows_a_permanent_failure() {
    let mut test = TestEngine::<shop>::new();
    let run = test.fail_permanently::<pay>(1, "the card is blocked").run(OrderInput { number: 1 }).await;
    let error = run.output.unwrap_err();
    assert!(error.is_run_failed());
    assert!(
        error.to_string().ends_with("stage `pay` failed after 1 attempt: the card is blocked"),
        "{error}"
    );
    assert_eq!(run.outputs.ship, None);
}

#[tokio::test]
async fn a_process_that_dies_in_a_body_costs_that_attempt() {
    let mut test = TestEngine::<shop>::new();
    let run = test.crash::<ship>(1).crash::<ship>(2).run(OrderInput { number: 1 }).await;
    assert_eq!(run.output.as_ref().unwrap(), "20 shipped, 2 paid");
    assert_eq!(run.attempts::<ship>(), 3);
    assert!(run.elapsed >= Duration::from_secs(30), "two leases had to expire: {:?}", run.elapsed);
}

#[tokio::test]
async fn a_crash_at_every_commit_changes_nothing() {
    let points = TestEngine::<shop>::new()
        .crash_everywhere(|| OrderInput { number: 1 }, |output| assert_eq!(output, "20 shipped, 2 paid"))
        .await;
    // The creation, the start, and a claim and an outcome for each of the four stages.
    assert_eq!(points, 10);
}

/// Returns its input plus the number of its attempt.
#[stage(retry(max_attempts = 5, initial = "1s"))]
async fn counted(number: u32, ctx: &StageContext) -> StageResult<u32> {
    Ok(number + ctx.attempt())
}

workflow! { counting = counted }

#[tokio::test]
async fn planned_faults_happen_in_every_run_that_crashes() {
    let points = TestEngine::<counting>::new()
        .fail::<counted>(1, "no")
        .crash_everywhere(|| CountedInput { number: 10 }, |output| assert!(output >= 12, "{output}"))
        .await;
    // The creation, the start, and a claim and an outcome for each of the two attempts.
    assert_eq!(points, 6);
}

#[stage(check = arrived, poll_every = "6h", give_up_after = "2d")]
async fn send(parcel: String) -> StageResult<String> {
    Ok(parcel)
}

#[check]
async fn arrived(parcel: &String) -> StageResult<Check<usize>> {
    Ok(Check::Ready(parcel.len()))
}

#[stage]
async fn receive(weight: usize) -> StageResult<usize> {
    Ok(weight * 2)
}

workflow! { post = send >> receive }

fn parcel() -> SendInput {
    SendInput { parcel: "shoes".into() }
}

#[tokio::test]
async fn a_stage_waits_for_as_long_as_the_test_wants() {
    for (checks, hours) in [(0, 6), (1, 12), (3, 24)] {
        let run = TestEngine::<post>::new().suspend::<send>(checks).run(parcel()).await;
        assert_eq!(*run.output.as_ref().unwrap(), 10);
        assert_eq!(
            run.elapsed,
            Duration::from_secs(hours * 3600),
            "after {checks} checks that did not find the stage ready"
        );
        assert_eq!(run.attempts::<send>(), 1, "the parcel is submitted once");
        let suspended = run.events.iter().filter(|event| event.kind.name() == "stage:suspended").count();
        assert_eq!(suspended, 1);
    }
}

#[tokio::test]
async fn a_stage_that_waits_for_too_long_fails() {
    let run = TestEngine::<post>::new().suspend::<send>(9).run(parcel()).await;
    let error = run.output.unwrap_err();
    assert!(
        error.to_string().ends_with("stage `send` timed out: it was not ready within 172800s"),
        "{error}"
    );
    assert_eq!(run.elapsed, Duration::from_secs(2 * 24 * 3600));
}

#[tokio::test]
async fn a_crash_at_every_commit_of_a_stage_that_waits_changes_nothing() {
    let check_output = |output| assert_eq!(output, 10);
    let points = TestEngine::<post>::new().crash_everywhere(parcel, check_output).await;
    let longer = TestEngine::<post>::new().suspend::<send>(2).crash_everywhere(parcel, check_output).await;
    // Each additional check is a claim and an outcome.
    assert_eq!(longer, points + 4);
}

/// A stage without a second attempt.
#[stage(retry(max_attempts = 1))]
async fn charge(cents: u32, ctx: &StageContext) -> StageResult<u32> {
    ctx.record_metric("cents", cents.into())?;
    Ok(cents)
}

#[stage(retry(max_attempts = 1))]
async fn receipt(cents: u32) -> StageResult<String> {
    Ok(format!("{cents} paid"))
}

workflow! { till = charge >> receipt }

#[tokio::test]
async fn a_crash_in_the_last_attempt_ends_as_in_production() {
    let run = TestEngine::<till>::new().crash::<receipt>(1).run(ChargeInput { cents: 5 }).await;
    match run.output {
        // Crashes have a limit of their own.
        Ok(output) => assert_eq!(
            (output.as_str(), run.events.last().unwrap().kind.name()),
            ("5 paid", "workflow:completed")
        ),
        Err(error) => {
            assert!(error.is_run_failed() && error.to_string().contains("was lost"), "{error}");
            assert_eq!(run.events.last().unwrap().kind.name(), "workflow:failed");
        }
    }
}

#[tokio::test]
async fn a_crash_at_every_commit_of_a_workflow_without_retries_ends_as_in_production() {
    let points = TestEngine::<till>::new()
        .crash_everywhere(|| ChargeInput { cents: 5 }, |output| assert_eq!(output, "5 paid"))
        .await;
    assert!(points >= 5, "{points}");
}

#[tokio::test]
async fn the_panic_names_the_commit_of_the_crash_and_what_it_writes() {
    let crash = std::sync::atomic::AtomicUsize::new(0);
    let crashing = async move {
        // The run without a crash passes, and the first one after a crash does not.
        let check = |_| {
            let number = crash.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            assert_eq!(number, 0, "one number too many");
        };
        TestEngine::<till>::new().crash_everywhere(|| ChargeInput { cents: 5 }, check).await
    };
    let panicked =
        tokio::task::LocalSet::new().run_until(async move { tokio::task::spawn_local(crashing).await }).await;
    let panicked = panicked.unwrap_err().into_panic();
    let message = panicked.downcast::<String>().unwrap();
    assert!(message.starts_with("with a crash before commit 0 (the creation of the run): "), "{message}");
    assert!(message.ends_with("one number too many\n  left: 1\n right: 0"), "{message}");
}

#[tokio::test]
async fn the_panic_names_a_stage_that_cannot_wait() {
    let planned = tokio::spawn(async { _ = TestEngine::<shop>::new().suspend::<ship>(1) }).await;
    let message: String = *planned.unwrap_err().into_panic().downcast().unwrap();
    assert_eq!(
        message,
        "stage `ship` of workflow `shop` has no check, so it cannot wait; give it one, or let an attempt `fail`"
    );
}
