//! The test kit that users get, used on a workflow as they would.

use std::time::Duration;

use workflow_engine::prelude::*;
use workflow_engine::testing::TestEngine;

/// Two attempts, a day apart.
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

/// Longer than it may take, the first time.
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
async fn days_of_waiting_pass_at_once() {
    let mut test = TestEngine::<shop>::new();
    let run = test.fail("order", 1, "no stock").run(OrderInput { number: 1 }).await;
    assert_eq!(run.output.as_ref().unwrap(), "20 shipped, 2 paid");
    assert_eq!(run.attempts("order"), 2);
    assert_eq!(run.elapsed, Duration::from_secs(24 * 3600));
}

#[tokio::test]
async fn a_body_that_hangs_meets_its_timeout() {
    let mut test = TestEngine::<shop>::new();
    let mut config = ShopConfig::default();
    config.pack.boxes = 0;
    let run = test.config(config).run(OrderInput { number: 1 }).await;
    assert_eq!(run.output.as_ref().unwrap(), "0 shipped, 2 paid");
    assert_eq!(run.attempts("ship"), 2);
}

#[tokio::test]
async fn a_failure_for_good_is_the_end() {
    let mut test = TestEngine::<shop>::new();
    let run = test.fail_for_good("pay", 1, "the card is blocked").run(OrderInput { number: 1 }).await;
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
    let run = test.crash("ship", 1).crash("ship", 2).run(OrderInput { number: 1 }).await;
    assert_eq!(run.output.as_ref().unwrap(), "20 shipped, 2 paid");
    assert_eq!(run.attempts("ship"), 3);
    assert!(run.elapsed >= Duration::from_secs(30), "two leases had to run out: {:?}", run.elapsed);
}

#[tokio::test]
async fn a_crash_at_every_commit_changes_nothing() {
    let points = TestEngine::<shop>::new()
        .crash_everywhere(|| OrderInput { number: 1 }, |output| assert_eq!(output, "20 shipped, 2 paid"))
        .await;
    // The creation, the start, and for each of the four stages its claim and its outcome.
    assert_eq!(points, 10);
}

#[tokio::test]
async fn a_stage_that_does_not_exist_is_named() {
    let panic = tokio::spawn(async {
        TestEngine::<shop>::new().fail("shipp", 1, "");
    })
    .await
    .unwrap_err()
    .into_panic();
    assert_eq!(
        *panic.downcast::<String>().unwrap(),
        "workflow `shop` has no stage `shipp`; its stages are [\"order\", \"pack\", \"pay\", \"ship\"]"
    );
}
