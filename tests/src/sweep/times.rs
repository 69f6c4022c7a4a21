//! Runs that wait for a signal or for an instant, and those who send the signals.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::try_join_all;
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;
use workflow_engine::{Error, ErrorCode, Json};

use super::points::are_watched;
use super::run::{ChildConfig, Shape};
use super::workflows::{self, FirstInput, Parcel, asking, expiring, later};
use crate::signal;

/// The time between a start and the instant at which a later run begins.
const LATER: Duration = Duration::from_millis(100);

/// The senders of signals. Each sends its signal twice, with one key.
const SENDERS: [&str; 4] = ["ada", "bob", "ada", "bob"];

/// Sends a signal, as a sender who is content if another one was first.
async fn send<W>(
    config: &ChildConfig,
    run: &RunHandle<W>,
    stage: &str,
    sender: &'static str,
    payload: &Parcel,
) -> Result<(), Error>
where
    W: Workflow,
{
    let payload = Json::encode(payload).expect("a text and a number");
    let key = format!("{} {sender}", config.key());
    match run.any().signal(stage, payload).actor(sender).idempotency_key(key).await {
        Err(error) if error.code() == ErrorCode::SignalTooLate => Ok(()),
        sent => sent,
    }
}

/// Two senders send at once while the stage waits, and a third one when the wait has ended.
pub(super) async fn ask(config: &ChildConfig, engine: &Engine) -> Result<u64, Error> {
    let input = config.input();
    let run = engine.start::<asking>(input.clone()).idempotency_key(config.key()).await?;
    let payload = (input.ledger, input.number);
    let mut events = run.events();
    while let Some(event) = events.next().await {
        if let EventKind::StageSuspended { stage_id, .. } = event?.kind {
            try_join_all(SENDERS.map(|sender| send(config, &run, &stage_id, sender, &payload))).await?;
        }
    }
    let (_, output) = run.output().await?;
    send(config, &run, "ask", "eve", &payload).await?;
    Ok(output)
}

/// For an even number two signals are sent before the wait begins, whose time is short; for an odd one only one when it has
/// timed out.
pub(super) async fn expire(config: &ChildConfig, engine: &Engine) -> Result<u64, Error> {
    let input = config.input();
    let run = engine.start::<expiring>(input.clone()).idempotency_key(config.key()).await?;
    let payload = (input.ledger, input.number);
    if input.number.is_multiple_of(2) {
        try_join_all(SENDERS.map(|sender| send(config, &run, "expire", sender, &payload))).await?;
        signal::give(run.id(), workflows::SENT);
    }
    let (_, output) = run.output().await?;
    send(config, &run, "expire", "eve", &payload).await?;
    Ok(output)
}

/// The run starts later, and its second stage later than its first.
///
/// # Panics
/// When something has started before its instant.
pub(super) async fn start_later(config: &ChildConfig, engine: &Engine) -> Result<u64, Error> {
    let start = engine.start::<later>(config.input()).idempotency_key(config.key());
    let run = start.after(LATER).deadline(Duration::from_secs(3_600)).await?;
    let (_, output) = run.output().await?;
    // The child may be killed at any moment, so the process that finishes the run checks it.
    if !are_watched() {
        let (record, stages) = (run.record().await?, run.stages().await?);
        assert!(record.started_at >= record.times.due_at, "the run has started early: {record:?}");
        let due = stages[0].completed_at.map(|at| at + LATER);
        assert!(stages[1].started_at >= due, "the stage has started early: {stages:?}");
    }
    Ok(output)
}

impl ChildConfig {
    pub(super) fn input(&self) -> FirstInput {
        let ledger = super::run::ledger(&self.folder);
        let ledger = ledger.to_str().expect("a temporary path is text").to_owned();
        FirstInput { ledger, number: self.number }
    }
}

impl Shape {
    /// Returns the signals that the stage of a run has received, in their order, and whether they were consumed.
    pub const fn signals(self) -> &'static [&'static str] {
        match self {
            Self::Asking => &["1 consumed"],
            Self::Early => &["1 consumed", "2 kept"],
            _ => &[],
        }
    }
}
