//! Batches: submitted once, accessible from any process, accounted for once.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use tests::models::{client, error, session, usage};
use workflow_engine::Cost;
use workflow_engine::ai::{
    AiError, AiErrorKind, AiSession, BatchPrompt, BatchState, BatchTicket, FinishReason, GenerateResponse,
    MemoryLedger, ScriptedProvider, Usage,
};
use workflow_engine::prelude::*;
use workflow_engine::records::{CallStatus, CallType};

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
struct CheckOutcome {
    good: bool,
}

#[allow(clippy::unnecessary_wraps, reason = "it stands beside failures")]
fn answer(text: &str, usage: Usage) -> Result<GenerateResponse, AiError> {
    Ok(GenerateResponse {
        text: text.into(),
        reasoning: None,
        tool_calls: Vec::new(),
        usage,
        finish_reason: FinishReason::Stop,
    })
}

fn good() -> Result<GenerateResponse, AiError> {
    answer(r#"{"good": true}"#, usage(1_000, 100))
}

fn outcomes(ledger: &MemoryLedger) -> Vec<CallStatus> {
    ledger.calls().iter().map(|call| call.outcome).collect()
}

#[tokio::test]
async fn another_process_fetches_batch_results_item_by_item() {
    use CallStatus::{Failed, Reserved, Settled, Unknown};
    let results = [
        ("e", Err(AiError::new(AiErrorKind::InvalidResponse, "it cannot be read"))),
        ("c", answer("no JSON", usage(10, 10))),
        ("d", Err(error(AiErrorKind::Refused, 400))),
        ("a", good()),
        ("b", answer("yes", usage(10, 10))),
        ("stranger", good()),
    ];
    let provider = ScriptedProvider::new("test").batch(BatchState::Processing, results);
    let (session, ledger) = session(&provider);
    let verdict = |id: &str| BatchPrompt::new(id, "Is it good?").schema::<CheckOutcome>().max_tokens(100);
    let items = [verdict("a"), ("b", "And?").into(), verdict("c"), verdict("d"), verdict("e")];
    let ticket = session.batch("m").submit(items).await.unwrap();
    assert_eq!(outcomes(&ledger), [Reserved; 5]);
    let reserved = ledger.calls()[0].reserved.picodollars();
    // Half the price of at most 1,200 input tokens at 1 USD and of 100 output tokens at 4 USD per million.
    assert!((200_000_000..1_000_000_000).contains(&reserved), "{reserved}");
    assert!(ledger.calls().iter().all(|call| call.call_type == CallType::Batch));

    let stored = serde_json::to_string(&ticket).unwrap();
    assert_eq!(stored.matches("\"additionalProperties\"").count() + stored.matches("\"good\"").count(), 2);
    let ticket: BatchTicket = serde_json::from_str(&stored).unwrap();
    assert_eq!((ticket.model(), ticket.batch_id()), ("m", "batch-1"));
    assert_eq!(ticket.custom_ids().collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);

    // Another process has its own client and ledger object, with the same rows.
    let elsewhere = AiSession::new(&client(&provider).build().unwrap(), "elsewhere", ledger.clone());
    let batch = elsewhere.batch("m");
    assert_eq!(batch.status(&ticket).await.unwrap().state, BatchState::Processing);
    let early = batch.results(&ticket).await.unwrap_err();
    assert_eq!(early.to_string(), "batch `batch-1` is not terminal: check its status first");
    provider.set_batch_state(BatchState::Completed);

    for _ in 0..3 {
        let answers = batch.results(&ticket).await.unwrap();
        assert_eq!(answers[0].object::<CheckOutcome>().unwrap(), CheckOutcome { good: true });
        assert_eq!(answers[0].cost.to_string(), "0.0007 USD");
        assert_eq!(answers[1].text().unwrap(), "yes");
        let kinds: Vec<_> = answers[2..].iter().map(|answer| answer.text().unwrap_err().kind()).collect();
        assert_eq!(kinds, [AiErrorKind::InvalidResponse, AiErrorKind::Refused, AiErrorKind::InvalidResponse]);
        assert!(answers[2].cost > Cost::ZERO, "a response that violates its schema is charged");
        assert_eq!(outcomes(&ledger), [Settled, Settled, Settled, Failed, Unknown], "once, however often");
        let total = elsewhere.stats().await.unwrap().total;
        assert_eq!(total.calls, 0, "the rows are those of the submission");
    }
    let total = session.stats().await.unwrap().total;
    assert_eq!((total.calls, total.cost.to_string().as_str()), (5, "0.00075 USD"));
}

#[tokio::test]
async fn an_item_without_a_response_has_an_error() {
    for (state, kind, outcome) in [
        (BatchState::Expired, AiErrorKind::Timeout, CallStatus::Failed),
        (BatchState::Cancelled, AiErrorKind::Cancelled, CallStatus::Failed),
        (BatchState::Failed, AiErrorKind::InvalidRequest, CallStatus::Failed),
        (BatchState::Completed, AiErrorKind::InvalidResponse, CallStatus::Unknown),
    ] {
        let provider = ScriptedProvider::new("test").batch(state, [("a", good())]);
        let (session, ledger) = session(&provider);
        let batch = session.batch("m");
        let ticket = batch.submit([("a", "?"), ("b", "?")]).await.unwrap();
        let answers = batch.results(&ticket).await.unwrap();
        assert!(answers[0].outcome.is_ok(), "a response counts in every terminal state of the batch");
        assert_eq!(answers[1].text().unwrap_err().kind(), kind);
        assert_eq!(outcomes(&ledger), [CallStatus::Settled, outcome]);
    }
}

#[tokio::test]
async fn a_cancelled_batch_is_terminal() {
    let provider = ScriptedProvider::new("test").batch(BatchState::Pending, [("a", good())]);
    let (session, _) = session(&provider);
    let batch = session.batch("m");
    let ticket = batch.submit([("a", "?")]).await.unwrap();
    batch.cancel(&ticket).await.unwrap();
    assert!(batch.status(&ticket).await.unwrap().state.is_terminal());
}

#[tokio::test]
async fn a_batch_that_is_refused_costs_nothing() {
    let provider = ScriptedProvider::new("test").fail(error(AiErrorKind::InvalidRequest, 400));
    let (session, ledger) = session(&provider);
    session.batch("m").submit([("a", "?"), ("b", "?")]).await.unwrap_err();
    assert_eq!(outcomes(&ledger), [CallStatus::Failed; 2]);

    // The second item exceeds the budget: nothing is sent.
    let ledger = Arc::new(MemoryLedger::with_budget("0.001 USD".parse().unwrap()));
    let provider = ScriptedProvider::new("test");
    let session = AiSession::new(&client(&provider).build().unwrap(), "t", ledger.clone());
    let item = |id: &str| BatchPrompt::new(id, "?").max_tokens(300);
    let error = session.batch("m").submit([item("a"), item("b")]).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::BudgetExceeded);
    assert_eq!(outcomes(&ledger), [CallStatus::Failed]);
    assert_eq!(ledger.calls()[0].error_message.as_deref(), Some("the call was not sent"));
}

#[tokio::test]
async fn a_submission_whose_response_is_lost_is_found_again_or_not_retried() {
    let lost = || AiError::new(AiErrorKind::Connection, "reset");
    let taken = ScriptedProvider::new("test").lost_batch(BatchState::Completed, [("a", good())], lost());
    let (found, ledger) = session(&taken.clone().finds_batches());
    let ticket = found.batch("m").submit([("a", "?")]).await.unwrap();
    assert_eq!((ticket.batch_id(), taken.submissions().len()), ("batch-1", 1));
    assert_eq!(outcomes(&ledger), [CallStatus::Reserved]);

    let blind = ScriptedProvider::new("test").lost_batch(BatchState::Completed, [("a", good())], lost());
    let (session, ledger) = session(&blind);
    let error = session.batch("m").submit([("a", "?")]).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::Connection);
    assert_eq!(blind.submissions().len(), 1, "the first submission may exist, so there is no second");
    assert_eq!(outcomes(&ledger), [CallStatus::Unknown]);
}

#[tokio::test]
async fn a_stage_finds_the_batch_that_an_earlier_attempt_submitted() {
    let provider =
        ScriptedProvider::new("test").finds_batches().batch(BatchState::Completed, [("a", good())]);
    let client = client(&provider).build().unwrap();
    let ctx = StageContext::detached().with_ai(&client);
    // The first attempt dies before its ticket is committed.
    let lost = ctx.ai().batch("m").submit([("a", "?")]).await.unwrap();
    let again = ctx.ai().batch("m").submit([("a", "?")]).await.unwrap();
    assert_eq!(lost.batch_id(), again.batch_id());
    assert_eq!(provider.submissions().len(), 1);
    assert_eq!(provider.submissions()[0].0.len(), 64);
    // Different items are a different batch, which the script does not have.
    assert!(ctx.ai().batch("m").submit([("a", "Why?")]).await.is_err());
}

#[tokio::test]
async fn a_batch_that_is_found_again_keeps_its_rows() {
    use CallStatus::{Failed, Settled};
    let provider = ScriptedProvider::new("test")
        .finds_batches()
        .fail(error(AiErrorKind::RateLimited, 429))
        .batch(BatchState::Completed, [("a", good()), ("b", good())]);
    let (session, ledger) = session(&provider);
    let batch = session.batch("m");
    let submit = || batch.submit([("a", "?"), ("b", "?")]).token("mine").retries(0);
    submit().await.unwrap_err();
    let taken = submit().await.unwrap();
    // Found again by its token before it is settled, and by the provider's id after.
    assert_eq!(submit().await.unwrap(), taken);
    batch.results(&taken).await.unwrap();
    assert_eq!(submit().await.unwrap(), taken);
    batch.results(&taken).await.unwrap();
    assert_eq!(provider.submissions().len(), 1);
    assert_eq!(outcomes(&ledger), [Failed, Failed, Settled, Settled], "those that were refused stay so");
}

#[stage(check = judged, poll_every = "1h", give_up_after = "24h")]
async fn judge(texts: Vec<String>, ctx: &StageContext) -> StageResult<BatchTicket> {
    let items = texts.into_iter().enumerate();
    let items =
        items.map(|(number, text)| BatchPrompt::new(format!("i{number}"), text).schema::<CheckOutcome>());
    Ok(ctx.ai().batch("m").submit(items).await?)
}

#[check]
async fn judged(ticket: &BatchTicket, ctx: &StageContext) -> StageResult<Check<usize>> {
    let batch = ctx.ai().batch("m");
    if !batch.status(ticket).await?.state.is_terminal() {
        return Ok(Check::Pending);
    }
    let mut good = 0;
    for answer in batch.results(ticket).await? {
        good += usize::from(answer.object::<CheckOutcome>()?.good);
    }
    Ok(Check::Ready(good))
}

workflow! { judging = judge }

#[tokio::test]
async fn a_stage_that_waits_for_a_batch_accounts_for_it_when_it_is_terminal() {
    let results = [("i0", good()), ("i1", answer(r#"{"good": false}"#, usage(1_000, 100)))];
    let provider = ScriptedProvider::new("test").batch(BatchState::Processing, results);
    let client = client(&provider).build().unwrap();
    let engine = Engine::builder("memory:").register::<judging>().ai(client).build().await.unwrap();
    let run = engine.start::<judging>(JudgeInput { texts: vec!["a".into(), "b".into()] }).await.unwrap();
    let mut events = Box::pin(run.events());
    while let Some(event) = futures_util::StreamExt::next(&mut events).await {
        if event.unwrap().kind.name() == "stage:suspended" {
            break;
        }
    }
    let waiting = run.cost_summary().await.unwrap();
    assert!(waiting.reserved > Cost::ZERO, "what it can cost is reserved while it waits");
    assert_eq!(waiting.cost, Cost::ZERO);
    provider.set_batch_state(BatchState::Completed);
    engine.wake(run.id(), "judge").await.unwrap();
    assert_eq!(run.output().await.unwrap(), 1);
    let costs = run.cost_summary().await.unwrap();
    assert_eq!((costs.cost.to_string().as_str(), costs.tokens), ("0.0014 USD", 2_200));
    assert_eq!((costs.reserved, costs.pending_calls), (Cost::ZERO, 0));
    let calls = run.ai_calls().limit(10).await.unwrap();
    assert!(calls.iter().all(|call| call.outcome == CallStatus::Settled));
    assert_eq!(calls[0].topic, format!("workflow.{}.stage.judge", run.id()));
    engine.shutdown().await;
}
