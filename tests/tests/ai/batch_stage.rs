//! A stage that submits a batch and waits for it, in processes that die at any point.

use tests::audit_provider::{AuditProvider, PRICE, prompt};
use tests::dying::{Death, outlive};
use tests::world::World;
use workflow_engine::Cost;
use workflow_engine::ai::{AiErrorKind, BatchState, BatchTicket};
use workflow_engine::prelude::*;
use workflow_engine::records::CallStatus;
use workflow_engine::value::NoInput;

const ITEMS: usize = 3;

#[stage(check = judged, poll_every = "10s", give_up_after = "10m", retry(max_attempts = 9, max_crashes = 9, initial = "1s"))]
async fn judge(ctx: &StageContext) -> StageResult<BatchTicket> {
    let items = (0..ITEMS).map(|number| (format!("i{number}"), prompt(ctx)));
    Ok(ctx.ai().batch("m").submit(items).await?)
}

/// The text of each item, or the kind of its error.
#[check]
async fn judged(ticket: &BatchTicket, ctx: &StageContext) -> StageResult<Check<Vec<String>>> {
    let batch = ctx.ai().batch("m");
    if !batch.status(ticket).await?.state.is_terminal() {
        return Ok(Check::Pending);
    }
    let answers = batch.results(ticket).await?;
    let told = answers.iter().map(|answer| match answer.text() {
        Ok(text) => text.to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    });
    Ok(Check::Ready(told.collect()))
}

workflow! { judging = judge }

/// The same, but the stage fails if an item has no response.
#[stage(check = all_judged, poll_every = "10s", give_up_after = "10m")]
async fn judge_all(ctx: &StageContext) -> StageResult<BatchTicket> {
    let items = (0..ITEMS).map(|number| (format!("i{number}"), prompt(ctx)));
    Ok(ctx.ai().batch("m").submit(items).await?)
}

#[check]
async fn all_judged(ticket: &BatchTicket, ctx: &StageContext) -> StageResult<Check<usize>> {
    let batch = ctx.ai().batch("m");
    if !batch.status(ticket).await?.state.is_terminal() {
        return Ok(Check::Pending);
    }
    for answer in batch.results(ticket).await? {
        answer.text()?;
    }
    Ok(Check::Ready(ITEMS))
}

workflow! { judging_all = judge_all }

/// Executes one run with one death. Returns the provider, the run, and the number of writes of the first process.
async fn judged_after(
    world: &World,
    finds: bool,
    death: Option<Death>,
) -> (AuditProvider, RunHandle<judging>, usize) {
    let provider = AuditProvider::new(&world.store, finds, BatchState::Completed);
    let (run, writes) = outlive::<judging>(world, &provider.client(), death, || NoInput, None).await;
    let told = format!("finds: {finds}, death: {death:?}");
    assert_eq!(run.output().await.unwrap(), ["yes", "no", "yes"], "{told}");
    provider.verify_ledger(&run, &told).await;
    (provider, run, writes)
}

/// A death before and after every write of a process.
fn deaths(writes: usize) -> impl Iterator<Item = Option<Death>> {
    (0..writes).flat_map(|at| [Some((at, true)), Some((at, false))])
}

#[tokio::test]
async fn a_batch_found_by_token_is_submitted_once_wherever_the_process_dies() {
    let (_, _, writes) = judged_after(&World::memory().await, true, None).await;
    let mut lost = 0;
    for death in deaths(writes) {
        let (provider, run, _) = judged_after(&World::memory().await, true, death).await;
        let batches = provider.batches();
        assert_eq!(batches.len(), 1, "{death:?}");
        let rows = run.ai_calls().await.unwrap();
        for row in &rows {
            let is_of_batch = batches[0].contains(&row.id);
            assert_eq!(row.outcome == CallStatus::Settled, is_of_batch, "{death:?}: {row:?}");
            // Submitted by one attempt, found by the next.
            lost += usize::from(
                is_of_batch && row.attempt == 1 && rows.len() == ITEMS && attempts(&run).await > 1,
            );
        }
        assert_eq!(run.cost_summary().await.unwrap().cost.picodollars(), PRICE / 2 * 3, "{death:?}");
    }
    assert!(lost >= ITEMS, "no process has died between the batch and its ticket");
}

async fn attempts<W: Workflow>(run: &RunHandle<W>) -> u32 {
    run.stages().await.unwrap()[0].attempt
}

#[tokio::test]
async fn a_batch_not_found_by_token_is_submitted_again_and_the_first_stays_unknown() {
    let (_, _, writes) = judged_after(&World::memory().await, false, None).await;
    let mut twice = 0;
    for death in deaths(writes) {
        let (provider, run, _) = judged_after(&World::memory().await, false, death).await;
        let batches = provider.batches();
        assert!(batches.len() <= 2, "{death:?}");
        if batches.len() == 1 {
            continue;
        }
        twice += 1;
        let rows = run.ai_calls().await.unwrap();
        assert_eq!(rows.len(), 2 * ITEMS, "{death:?}");
        for row in rows {
            if batches[0].contains(&row.id) {
                assert_eq!(row.outcome, CallStatus::Unknown, "{death:?}");
                assert!(row.reserved > Cost::ZERO, "{death:?}");
            } else {
                assert_eq!(row.outcome, CallStatus::Settled, "{death:?}");
            }
        }
    }
    // Only before the commit that contains the ticket.
    assert_eq!(twice, 1);
}

#[tokio::test]
async fn the_same_on_sqlite() {
    // The database file is opened again.
    let world = World::sqlite().await;
    let (_, run, writes) = judged_after(&world, true, None).await;
    assert_eq!(run.ai_calls().await.unwrap().len(), ITEMS);
    for death in deaths(writes) {
        let (provider, ..) = judged_after(&World::sqlite().await, true, death).await;
        assert_eq!(provider.batches().len(), 1, "{death:?}");
    }
}

#[tokio::test]
async fn each_terminal_state_of_a_batch_is_reported_by_item() {
    for (ending, told) in [
        (BatchState::Completed, ["yes", "no", "yes"].map(str::to_owned)),
        (BatchState::Expired, stopped(AiErrorKind::Timeout)),
        (BatchState::Cancelled, stopped(AiErrorKind::Cancelled)),
        (BatchState::Failed, [AiErrorKind::InvalidRequest; 3].map(|kind| format!("{kind:?}"))),
    ] {
        let world = World::memory().await;
        let provider = AuditProvider::new(&world.store, true, ending);
        let (run, _) = outlive::<judging>(&world, &provider.client(), None, || NoInput, None).await;
        assert_eq!(run.output().await.unwrap(), told, "{ending:?}");
        provider.verify_ledger(&run, &format!("{ending:?}")).await;
        let rows = run.ai_calls().await.unwrap();
        for (row, told) in rows.iter().zip(&told) {
            let has_response = matches!(told.as_str(), "yes" | "no");
            let outcome = if has_response { CallStatus::Settled } else { CallStatus::Failed };
            assert_eq!((row.outcome, row.reserved), (outcome, Cost::ZERO), "{ending:?}");
        }
    }
}

fn stopped(kind: AiErrorKind) -> [String; ITEMS] {
    ["yes".to_owned(), format!("{kind:?}"), format!("{kind:?}")]
}

#[tokio::test]
async fn a_check_that_needs_every_item_fails_its_stage_without_one() {
    for (ending, fault) in [
        (BatchState::Completed, None),
        (BatchState::Expired, Some("the batch expired")),
        (BatchState::Cancelled, Some("the batch was cancelled")),
        (BatchState::Failed, Some("line 1: no such model")),
    ] {
        let world = World::memory().await;
        let provider = AuditProvider::new(&world.store, true, ending);
        let (run, _) = outlive::<judging_all>(&world, &provider.client(), None, || NoInput, None).await;
        provider.verify_ledger(&run, &format!("{ending:?}")).await;
        assert_eq!(provider.batches().len(), 1, "{ending:?}");
        let output = run.output().await;
        let Some(fault) = fault else {
            assert_eq!(output.unwrap(), ITEMS);
            continue;
        };
        assert!(output.unwrap_err().is_run_failed(), "{ending:?}");
        let error = run.record().await.unwrap().error.unwrap();
        assert!(error.message.contains(fault), "{ending:?}: {}", error.message);
        let open = run.cost_summary().await.unwrap();
        assert_eq!(open.reserved, Cost::ZERO, "{ending:?}: an item without a response costs nothing");
    }
}
