//! Streams, and the outcomes with which they are settled.

use std::time::Duration;

use futures_util::StreamExt;
use tests::models::{error, session, usage};
use tokio_util::sync::CancellationToken;
use workflow_engine::Cost;
use workflow_engine::ai::{
    AiError, AiErrorKind, AiSession, FinishReason, MemoryLedger, ScriptedProvider, StreamPart, TextStream,
};
use workflow_engine::records::{CallStatus, CallType};

#[allow(clippy::unnecessary_wraps, reason = "it stands beside failures")]
fn text(text: &str) -> Result<StreamPart, AiError> {
    Ok(StreamPart::Text(text.into()))
}

#[allow(clippy::unnecessary_wraps, reason = "it stands beside failures")]
fn finished() -> Result<StreamPart, AiError> {
    Ok(StreamPart::Finished { usage: usage(10, 5), finish_reason: FinishReason::Stop })
}

async fn open(session: &AiSession) -> TextStream {
    session.stream_text("m", "?").await.unwrap()
}

/// The outcome and the reservation of the only row.
fn row(ledger: &MemoryLedger) -> (CallStatus, bool) {
    let calls = ledger.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].call_type, CallType::Stream);
    (calls[0].outcome, calls[0].reserved > Cost::ZERO)
}

#[tokio::test]
async fn a_stream_that_finishes_is_settled_once() {
    let thought = Ok(StreamPart::Reasoning("hm".into()));
    let script =
        ScriptedProvider::new("test").stream([thought, text("It "), text("is."), finished(), text("!")]);
    let (session, ledger) = session(&script);
    let mut stream = open(&session).await;
    assert_eq!(row(&ledger), (CallStatus::Reserved, true));
    assert_eq!(stream.next().await.unwrap().unwrap(), "It ");
    assert_eq!((stream.text(), stream.reasoning(), stream.usage()), ("It ", Some("hm"), None));
    assert_eq!(stream.next().await.unwrap().unwrap(), "is.");
    assert!(stream.next().await.is_none());
    assert!(stream.next().await.is_none(), "nothing follows its end");
    assert_eq!(row(&ledger), (CallStatus::Settled, false));
    assert_eq!(stream.usage(), Some(usage(10, 5)));
    assert_eq!(stream.cost().unwrap().to_string(), "0.00003 USD");
    let answer = stream.finish().await.unwrap();
    assert_eq!((answer.text.as_str(), answer.finish_reason), ("It is.", FinishReason::Stop));
    assert_eq!(answer.messages.len(), 2);
    let call = ledger.calls().pop().unwrap();
    assert_eq!((call.prompt.as_deref(), call.response.as_deref()), (Some("?"), Some("It is.")));
    let metadata: serde_json::Value = call.metadata.unwrap().decode().unwrap();
    assert_eq!((&metadata["finish_reason"], &metadata["has_reasoning"]), (&"stop".into(), &true.into()));
}

#[tokio::test]
async fn finish_returns_the_whole_response() {
    let script = ScriptedProvider::new("test").stream([text("a"), text("b"), finished()]);
    let (session, _) = session(&script);
    let answer = open(&session).await.finish().await.unwrap();
    assert_eq!((answer.text.as_str(), answer.usage, answer.steps), ("ab", usage(10, 5), 1));
}

#[tokio::test]
async fn a_stream_that_is_cut_is_unknown() {
    let script = ScriptedProvider::new("test").stream([text("It ")]);
    let (session, ledger) = session(&script);
    let mut stream = open(&session).await;
    assert_eq!(stream.next().await.unwrap().unwrap(), "It ");
    assert_eq!(stream.next().await.unwrap().unwrap_err().kind(), AiErrorKind::Connection);
    assert!(stream.next().await.is_none());
    assert_eq!(row(&ledger), (CallStatus::Unknown, true));
    assert_eq!(stream.finish().await.unwrap_err().kind(), AiErrorKind::Connection);
}

#[tokio::test]
async fn any_error_in_a_stream_leaves_the_call_unknown() {
    let fails = Err(error(AiErrorKind::RateLimited, 429));
    let script = ScriptedProvider::new("test").stream([text("It "), fails, finished()]);
    let (session, ledger) = session(&script);
    let error = open(&session).await.finish().await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::RateLimited);
    assert_eq!(row(&ledger), (CallStatus::Unknown, true), "it had begun to answer");
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_unknown() {
    let script = ScriptedProvider::new("test").hanging_stream([text("It ")]);
    let (session, ledger) = session(&script);
    let mut stream = open(&session).await;
    assert_eq!(stream.next().await.unwrap().unwrap(), "It ");
    drop(stream);
    assert_eq!(row(&ledger), (CallStatus::Unknown, true));
    assert_eq!(ledger.calls()[0].error_message.as_deref(), Some("abandoned before its response arrived"));
}

#[tokio::test]
async fn a_stream_dropped_after_its_end_stays_settled() {
    let (session, ledger) = session(&ScriptedProvider::new("test").stream([text("a"), finished()]));
    let mut stream = open(&session).await;
    while let Some(piece) = stream.next().await {
        piece.unwrap();
    }
    drop(stream);
    assert_eq!(row(&ledger), (CallStatus::Settled, false));
}

#[tokio::test]
async fn a_cancelled_stream_stops() {
    let script = ScriptedProvider::new("test").hanging_stream([text("It ")]);
    let (session, ledger) = session(&script);
    let token = CancellationToken::new();
    let mut stream = open(&session.cancelled_by(token.clone())).await;
    assert_eq!(stream.next().await.unwrap().unwrap(), "It ");
    let rest = tokio::spawn(async move { stream.finish().await });
    tokio::task::yield_now().await;
    token.cancel();
    assert_eq!(rest.await.unwrap().unwrap_err().kind(), AiErrorKind::Cancelled);
    assert_eq!(row(&ledger), (CallStatus::Unknown, true));
}

#[tokio::test]
async fn only_the_opening_is_retried() {
    let busy = error(AiErrorKind::Overloaded, 529);
    let script = ScriptedProvider::new("test").fail(busy).stream([text("a"), finished()]);
    let (session, ledger) = session(&script);
    let stream = session.stream_text("m", "?").timeout(Duration::from_secs(3)).await.unwrap();
    assert_eq!(stream.finish().await.unwrap().text, "a");
    let outcomes: Vec<_> = ledger.calls().iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [CallStatus::Failed, CallStatus::Settled]);
    assert_eq!(script.requests()[1].timeout, Duration::from_secs(3));
}
