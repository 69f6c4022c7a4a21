//! Runs, attempts, checks, waits, commits, lost leases and calls of models are counted once each, with their outcomes.

use std::time::Duration;

use tests::models::{client, usage};
use tests::on_every_store;
use tests::world::World;
use workflow_engine::ai::{AiError, AiErrorKind, ScriptedProvider};
use workflow_engine::kernel::ClaimPendingRuns;
use workflow_engine::prelude::*;
use workflow_engine::records::Claimant;
use workflow_engine::telemetry::Distribution;
use workflow_engine::testing::TestEngine;

use crate::workflows::{AnswerInput, Asking, FetchInput, Filing, stage, workflow};

fn count_up_to(distribution: &Distribution, bound: f64) -> u64 {
    let bucket = distribution.buckets.iter().find(|bucket| (bucket.up_to - bound).abs() < 1e-9);
    bucket.expect("a bucket has this bound").count
}

#[tokio::test]
async fn runs_attempts_and_checks_are_counted_by_outcome() {
    let mut test = TestEngine::<Filing>::new();
    test.run(FetchInput { fails: false }).await.output.unwrap();
    test.run(FetchInput { fails: true }).await.output.unwrap_err();
    let engine = test.engine().await;
    let measured = engine.measurements().await;

    let own = workflow(&measured, "filing");
    assert_eq!((own.runs_started, own.runs_completed, own.runs_failed, own.runs_cancelled), (2, 1, 1, 0));
    assert_eq!((own.run_seconds.count, count_up_to(&own.run_seconds, 300.0)), (2, 2));
    assert!(own.run_seconds.sum > 60.0, "a check was a minute later: {}", own.run_seconds.sum);

    let fetch = stage(&measured, "filing", "fetch");
    assert_eq!((fetch.attempts.retried, fetch.attempts.completed, fetch.attempts.failed), (1, 1, 1));
    assert_eq!(fetch.seconds.count, 3);
    let submit = stage(&measured, "filing", "submit");
    assert_eq!((submit.attempts.suspended, submit.attempts.completed), (1, 0));
    assert_eq!((submit.checks.suspended, submit.checks.completed), (1, 1));
    assert!(measured.commit_seconds.count > 0);
}

async fn a_wait_in_the_queue_and_a_cancelled_run_are_measured(world: World) {
    let builder = || world.engine().register::<Filing>();
    let starter = builder().without_worker().build().await.unwrap();
    let run = starter.start::<Filing>(FetchInput { fails: true }).await.unwrap();
    let other = starter.start::<Filing>(FetchInput { fails: false }).await.unwrap();
    assert!(other.cancel("enough").await.unwrap());
    let measured = starter.measurements().await;
    let own = workflow(&measured, "filing");
    assert_eq!(
        (own.runs_started, own.runs_cancelled, own.run_seconds.count),
        (2, 1, 0),
        "it had not started"
    );
    assert_eq!(measured.slots, None);

    world.clock.advance(Duration::from_secs(45));
    let worker = builder().concurrency(3).build().await.unwrap();
    run.output().await.unwrap_err();
    let measured = worker.measurements().await;
    let waits = &workflow(&measured, "filing").queue_wait_seconds;
    assert_eq!((waits.count, count_up_to(waits, 30.0), count_up_to(waits, 60.0)), (1, 0, 1), "{waits:?}");
    let slots = measured.slots.unwrap();
    assert_eq!(slots.busy + slots.free, 3);
    worker.shutdown().await;
    starter.shutdown().await;
}

async fn a_lease_that_is_taken_back_is_counted_once(world: World) {
    let builder = || world.engine().register::<Filing>();
    let starter = builder().without_worker().build().await.unwrap();
    let run = starter.start::<Filing>(FetchInput { fails: true }).await.unwrap();
    let start = ClaimPendingRuns { worker_id: "dead".into(), limit: 1, slots: 0 };
    starter.dispatch(start).await.unwrap();
    // Claiming a job without executing it is the death of its process.
    let claimant = Claimant { worker_id: "dead".into(), lease: Duration::from_secs(5), number: None };
    let definitions = vec![Filing::definition().fingerprint().to_owned()];
    let claimed = world.store.claim_jobs(&claimant, &definitions, 1).await.unwrap();
    assert_eq!(claimed.len(), 1);
    world.clock.advance(Duration::from_secs(6));
    let survivor = builder().build().await.unwrap();
    run.output().await.unwrap_err();
    assert_eq!(survivor.measurements().await.leases_lost, 1);
    survivor.shutdown().await;
    starter.shutdown().await;
}

on_every_store! { a_wait_in_the_queue_and_a_cancelled_run_are_measured, a_lease_that_is_taken_back_is_counted_once }

#[tokio::test]
async fn calls_of_models_are_counted_with_their_tokens_and_cost() {
    let script = ScriptedProvider::new("test").fail(AiError::new(AiErrorKind::Timeout, "slow"));
    let client = client(&script.text("Because.", usage(1_000_000, 500_000))).build().unwrap();
    let mut test = TestEngine::<Asking>::new();
    test.ai(client);
    test.run(AnswerInput { question: "Why?".into() }).await.output.unwrap();
    let models = test.engine().await.measurements().await.models;
    let [model] = &models[..] else { panic!("one model was called: {models:?}") };
    assert_eq!((model.model.as_str(), model.settled, model.failed, model.unknown), ("m", 1, 0, 1));
    assert_eq!((model.input_tokens, model.output_tokens), (1_000_000, 500_000));
    assert_eq!(model.cost.to_string(), "3.00 USD");
}

#[tokio::test]
async fn two_engines_of_a_process_do_not_mix_their_numbers() {
    let builder = || Engine::builder("memory:").register::<Filing>();
    let (first, second) = (builder().build().await.unwrap(), builder().build().await.unwrap());
    first.start::<Filing>(FetchInput { fails: true }).await.unwrap().output().await.unwrap_err();
    assert_eq!(workflow(&first.measurements().await, "filing").runs_started, 1);
    assert_eq!(workflow(&second.measurements().await, "filing").runs_started, 0);
}
