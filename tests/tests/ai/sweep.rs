//! Stages that call models, in processes that die at every write: compares the ledger with the provider's own log.

use schemars::JsonSchema;
use serde::Deserialize;
use tests::audit_provider::{AuditProvider, PRICE, prompt};
use tests::dying::{Death, outlive};
use tests::world::World;
use workflow_engine::Cost;
use workflow_engine::ai::{AiErrorKind, BatchState};
use workflow_engine::prelude::*;
use workflow_engine::records::CallStatus;
use workflow_engine::value::NoInput;

#[derive(Debug, Deserialize, JsonSchema)]
struct CheckOutcome {
    good: bool,
}

/// The provider refuses the first call for text and the first for embeddings, which are retried at once. The first call
/// for an object times out, so that the stage is retried.
#[stage(retry(max_attempts = 9, max_crashes = 9, initial = "1s"))]
async fn ask(ctx: &StageContext) -> StageResult<usize> {
    let (ai, prompt) = (ctx.ai(), prompt(ctx));
    let text = ai.generate_text("m", prompt.as_str()).max_tokens(50).await?.text;
    let vectors = ai.embed("e", [prompt.clone()]).await?.embeddings;
    let verdict: CheckOutcome = ai.generate_object("m", prompt).max_tokens(50).await?;
    Ok(text.len() + vectors.len() + usize::from(verdict.good))
}

workflow! { asking = ask }

/// A death before and after every write of a process.
fn deaths(writes: usize) -> impl Iterator<Item = Option<Death>> {
    (0..writes).flat_map(|at| [Some((at, true)), Some((at, false))])
}

async fn asked_after(world: World, death: Option<Death>) -> (usize, usize) {
    let provider = AuditProvider::new(&world.store, false, BatchState::Completed);
    let (run, writes) = outlive::<asking>(&world, &provider.client(), death, || NoInput, None).await;
    let told = format!("death: {death:?}");
    assert_eq!(run.output().await.unwrap(), 16, "{told}");
    provider.verify_ledger(&run, &told).await;
    let rows = run.ai_calls().await.unwrap();
    let unknown = rows.iter().filter(|row| row.outcome == CallStatus::Unknown).count();
    assert!(unknown >= 1, "{told}: the outcome of the first object is unknown");
    (writes, unknown)
}

#[tokio::test]
async fn wherever_a_process_dies_each_request_has_its_row() {
    let (writes, unknown) = asked_after(World::memory().await, None).await;
    assert!(writes >= 10 && unknown == 1, "{writes} writes, {unknown} unknown");
    let mut most = 0;
    for death in deaths(writes) {
        most = most.max(asked_after(World::memory().await, death).await.1);
    }
    // A call whose outcome was lost with its process: it would have been committed with the next reservation.
    assert!(most >= 2, "no death has left anything unknown");
}

#[tokio::test]
async fn the_same_on_sqlite() {
    let (writes, _) = asked_after(World::sqlite().await, None).await;
    for death in deaths(writes) {
        asked_after(World::sqlite().await, death).await;
    }
}

#[stage]
async fn split() -> StageResult<u32> {
    Ok(0)
}

macro_rules! branches {
    ($($name:ident),*) => {
        $(#[stage(retry(max_attempts = 9, max_crashes = 9, initial = "1s"))]
        async fn $name(number: u32, ctx: &StageContext) -> StageResult<u32> {
            let call = ctx.ai().generate_text("m", prompt(ctx)).max_tokens(50).await;
            match call {
                Ok(_) => Ok(number + 1),
                // The branch continues without the call.
                Err(error) if error.kind() == AiErrorKind::BudgetExceeded => Ok(number),
                Err(error) => Err(error.into()),
            }
        })*
    };
}

branches!(b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, b16);

workflow! {
    wide = split >> [b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, b16]
}

/// The maximum cost of one branch's call is a little more than 0.0003 USD, so the budget admits about five.
const BUDGET: Cost = Cost::from_picodollars(2_000_000_000);

async fn split_after(world: World, death: Option<Death>) -> (usize, usize) {
    let provider = AuditProvider::new(&world.store, false, BatchState::Completed);
    let client = provider.client();
    let (run, writes) = outlive::<wide>(&world, &client, death, || NoInput, Some(BUDGET)).await;
    let told = format!("death: {death:?}");
    run.output().await.unwrap_or_else(|error| panic!("{told}: {error}"));
    provider.verify_ledger(&run, &told).await;
    let costs = run.cost_summary().await.unwrap();
    assert_eq!(costs.budget, Some(BUDGET));
    assert!(costs.cost + costs.reserved <= BUDGET, "{told}: {} and {}", costs.cost, costs.reserved);
    let rows = run.ai_calls().limit(999).await.unwrap();
    let settled = rows.iter().filter(|row| row.outcome == CallStatus::Settled).count();
    assert_eq!(costs.cost.picodollars(), PRICE * i64::try_from(settled).unwrap(), "{told}");
    (writes, provider.requests())
}

#[tokio::test]
async fn sixteen_branches_keep_one_budget_through_fifty_deaths() {
    let (writes, requests) = split_after(World::memory().await, None).await;
    assert!(writes >= 25 && requests >= 5, "{writes} writes, {requests} requests");
    // Spread over all writes of the process.
    for number in 0..25 {
        let at = number * writes / 25;
        split_after(World::memory().await, Some((at, true))).await;
        split_after(World::memory().await, Some((at, false))).await;
    }
}
