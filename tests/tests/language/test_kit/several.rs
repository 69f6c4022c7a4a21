//! Several runs and workflows, plugins and sinks in one test engine.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use expect_test::expect;
use workflow_engine::ports::{DeliveryError, DeliveryPolicy, Plugin};
use workflow_engine::prelude::*;
use workflow_engine::records::{Event, EventType};
use workflow_engine::testing::{CollectingEventSink, TestEngine};

#[stage(retry(max_attempts = 3, initial = "1h", max = "1h"))]
async fn send(parcel: String) -> StageResult<usize> {
    Ok(parcel.len())
}

#[stage(retry(max_attempts = 3, initial = "30m", max = "30m"))]
async fn refund(cents: u32) -> StageResult<u32> {
    Ok(cents)
}

workflow! {
    Sending = send;
    Refunding = refund
}

fn parcel(parcel: &str) -> SendInput {
    SendInput { parcel: parcel.into() }
}

#[tokio::test]
async fn runs_of_several_workflows_share_one_time() {
    let mut test = TestEngine::<Sending>::new();
    test.register::<Refunding>().fail::<send>(1, "no van");
    test.plan::<Refunding>().fail::<refund>(1, "the bank is closed");
    let first = test.start(parcel("shoes")).await;
    let second = test.start(parcel("hat")).await;
    let engine = test.engine().await;
    let refund = engine.start::<Refunding>(RefundInput { cents: 5 }).priority(9).await.unwrap();
    test.finish_all().await;

    assert_eq!(test.elapsed().await, Duration::from_secs(3600));
    assert_eq!(first.output().await.unwrap() + second.output().await.unwrap(), 8);
    assert_eq!(test.finish(&refund).await.elapsed, Duration::from_secs(1800));
    expect![[r"
        0s        refunding 1 | workflow:created
        0s        refunding 1 | workflow:started
        0s        refunding 1 | stage:started refund, attempt 1
        0s        refunding 1 | stage:retrying refund, attempt 1: the bank is closed; next attempt in 30m
        0s        sending 1 | workflow:created
        0s        sending 1 | workflow:started
        0s        sending 1 | stage:started send, attempt 1
        0s        sending 1 | stage:retrying send, attempt 1: no van; next attempt in 1h
        0s        sending 2 | workflow:created
        0s        sending 2 | workflow:started
        0s        sending 2 | stage:started send, attempt 1
        0s        sending 2 | stage:completed send
        0s        sending 2 | workflow:completed 3
        30m       refunding 1 | stage:started refund, attempt 2
        30m       refunding 1 | stage:completed refund
        30m       refunding 1 | workflow:completed 5
        1h        sending 1 | stage:started send, attempt 2
        1h        sending 1 | stage:completed send
        1h        sending 1 | workflow:completed 5
    "]]
    .assert_eq(&test.log().await);
}

#[tokio::test]
async fn a_sink_receives_the_events_before_a_run_is_finished() {
    let sink = CollectingEventSink::new();
    let mut test = TestEngine::<Sending>::new();
    let run = test.event_sink(sink.clone()).run(parcel("shoes")).await;
    assert_eq!(sink.events_of(run.id), run.events);
}

/// Refuses each event a few times.
struct Bell {
    refusals: usize,
    rings: AtomicUsize,
}

#[async_trait]
impl Plugin for Bell {
    fn name(&self) -> &'static str {
        "bell"
    }

    fn event_types(&self) -> &[EventType] {
        &[EventType::WorkflowCompleted]
    }

    fn policy(&self) -> DeliveryPolicy {
        let mut policy = DeliveryPolicy::default();
        policy.max_retries = Some(3);
        policy
    }

    async fn handle(&self, _: &Event) -> Result<(), DeliveryError> {
        let rings = self.rings.fetch_add(1, Ordering::SeqCst);
        if rings < self.refusals { Err("the bell is broken".into()) } else { Ok(()) }
    }
}

#[tokio::test]
async fn refused_events_are_delivered_again_in_virtual_time() {
    for (refusals, dead) in [(0, 0), (2, 0), (9, 1)] {
        let mut test = TestEngine::<Sending>::new();
        test.plugin(Bell { refusals, rings: AtomicUsize::new(0) });
        let run = test.run(parcel("shoes")).await;
        assert_eq!((run.output.unwrap(), run.elapsed), (5, Duration::ZERO));
        test.finish_all().await;
        assert_eq!(test.elapsed().await > Duration::ZERO, refusals > 0);
        let letters = test.engine().await.dead_letters(Some("bell")).await.unwrap();
        assert_eq!(letters.len(), dead, "after {refusals} refusals");
    }
}
