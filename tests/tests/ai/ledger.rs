//! The rows of the ledger: each request is reserved before it is sent, and settled afterwards.

use std::sync::Arc;
use std::time::Duration;

use tests::models::{client, error, session, usage};
use tokio_util::sync::CancellationToken;
use workflow_engine::Cost;
use workflow_engine::ai::{
    AiErrorKind, AiSession, ContentCapture, MemoryLedger, Part, RecordedCall, ScriptedProvider, Usage,
};
use workflow_engine::ports::Clock;
use workflow_engine::presets::AiConfig;
use workflow_engine::records::{CallStatus, CallType};
use workflow_engine::testing::FakeClock;

fn outcomes(ledger: &MemoryLedger) -> Vec<CallStatus> {
    ledger.calls().iter().map(|call| call.outcome).collect()
}

#[tokio::test]
async fn a_call_is_reserved_with_its_maximum_cost_before_it_is_sent() {
    let provider = ScriptedProvider::new("test").no_response();
    let (session, ledger) = session(&provider);
    let call = tokio::spawn(session.generate_text("m", "?".repeat(1_000)).max_tokens(50).into_future());
    while provider.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    let row = ledger.calls().pop().unwrap();
    assert_eq!((row.outcome, row.call_type), (CallStatus::Reserved, CallType::Text));
    // 50 output tokens at 4 USD, and at most one input token per byte at 1 USD, per million.
    let least = Cost::from_picodollars(1_000_000 * 1_000 + 4_000_000 * 50);
    let most = Cost::from_picodollars(1_000_000 * 1_500 + 4_000_000 * 50);
    assert!((least..most).contains(&row.reserved), "{}", row.reserved);
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert_eq!(outcomes(&ledger), [CallStatus::Unknown], "dropped");
    assert_eq!(ledger.calls()[0].reserved, row.reserved, "an unknown call keeps its reservation");
}

#[tokio::test]
async fn the_reservation_counts_schemas_media_and_the_limits_of_the_model() {
    let reserve = async |ask: &dyn Fn(AiSession) -> workflow_engine::ai::GenerateText| {
        let provider = ScriptedProvider::new("test").text("", Usage::default());
        let ledger = Arc::new(MemoryLedger::with_budget(Cost::ZERO));
        let session = AiSession::new(&client(&provider).build().unwrap(), "t", ledger);
        let error = ask(session).await.unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::BudgetExceeded);
        assert!(provider.requests().is_empty(), "it was not sent");
        let text = error.to_string();
        let amount = text.rsplit("can cost ").next().unwrap().to_owned();
        amount.parse::<Cost>().unwrap().picodollars() / 1_000_000
    };
    let plain = reserve(&|ai| ai.generate_text("m", "?").max_tokens(1)).await;
    assert!((5..300).contains(&plain), "{plain}");
    // Without a limit: the longest response of the model, 10,000 tokens at 4 USD.
    let unlimited = reserve(&|ai| ai.generate_text("m", "?")).await;
    assert_eq!(unlimited - plain, 4 * 9_999);
    let instructed =
        reserve(&|ai| ai.generate_text("m", "?").max_tokens(1).instructions("x".repeat(500))).await;
    assert!((490..520).contains(&(instructed - plain)), "{instructed}");
    let tool = || workflow_engine::ai::AiTool::new("t", "T.", async |(): ()| Ok::<_, String>(()));
    let with_tool = reserve(&|ai| ai.generate_text("m", "?").max_tokens(1).tool(tool())).await;
    assert!(with_tool - plain > 1_024, "{with_tool}");
    let picture = reserve(&|ai| {
        ai.generate_text("m", [Part::text("?"), Part::media("image/png", "A".repeat(100_000))]).max_tokens(1)
    });
    let picture = picture.await;
    assert!((5_000..5_100).contains(&(picture - plain)), "{picture}");
    // A prompt counts up to the context length of the model: 100,000 tokens.
    let long = reserve(&|ai| ai.generate_text("m", "?".repeat(500_000)).max_tokens(1)).await;
    assert_eq!(long, 100_000 + 4);
}

#[tokio::test]
async fn each_attempt_is_a_row_and_waits_for_the_requested_delay() {
    let clock = FakeClock::new();
    let limited = error(AiErrorKind::RateLimited, 429).with_retry_after(Duration::from_secs(7));
    let overloaded = error(AiErrorKind::Overloaded, 529);
    let provider = ScriptedProvider::new("test").fail(limited).fail(overloaded).text("yes", usage(10, 10));
    let client = client(&provider).clock(clock.clone()).build().unwrap();
    let ledger = Arc::new(MemoryLedger::new());
    let call =
        tokio::spawn(AiSession::new(&client, "t", ledger.clone()).generate_text("m", "?").into_future());

    let began = clock.now();
    let mut waits = Vec::new();
    while !call.is_finished() {
        if let Some(wake) = clock.next_wake() {
            waits.push((wake - clock.now()).to_std().unwrap());
            clock.advance(waits[waits.len() - 1]);
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(call.await.unwrap().unwrap().text, "yes");
    assert_eq!(waits.len(), 2);
    assert_eq!(waits[0], Duration::from_secs(7), "the delay that the provider requests");
    // The second delay of the backoff: one second, and at most one more.
    assert!((Duration::from_secs(1)..=Duration::from_secs(2)).contains(&waits[1]), "{waits:?}");
    assert!((clock.now() - began).num_seconds() >= 8);
    let expected = [CallStatus::Failed, CallStatus::Failed, CallStatus::Settled];
    assert_eq!(outcomes(&ledger), expected);
    let attempts: Vec<_> =
        ledger.calls().iter().map(|call| attempt(call.metadata.as_ref().unwrap())).collect();
    assert_eq!(attempts, [1, 2, 3]);
    assert_eq!(ledger.calls()[0].reserved, Cost::ZERO, "a refused call releases its reservation");
}

fn attempt(metadata: &workflow_engine::Json) -> u64 {
    metadata.decode::<serde_json::Value>().unwrap()["attempt"].as_u64().unwrap()
}

#[tokio::test]
async fn retries_are_limited_in_number_and_wait_at_most_a_minute() {
    let busy = || error(AiErrorKind::Overloaded, 529);
    let provider = ScriptedProvider::new("test").fail(busy()).fail(busy()).fail(busy());
    let (session, ledger) = session(&provider);
    assert_eq!(session.generate_text("m", "?").await.unwrap_err().kind(), AiErrorKind::Overloaded);
    assert_eq!(outcomes(&ledger), [CallStatus::Failed; 3], "two retries are the default");

    let hour = error(AiErrorKind::RateLimited, 429).with_retry_after(Duration::from_secs(3_600));
    let (session, ledger) = tests::models::session(&ScriptedProvider::new("test").fail(hour));
    let error = session.generate_text("m", "?").await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3_600)), "for the stage to wait");
    assert_eq!(outcomes(&ledger), [CallStatus::Failed]);

    let (session, ledger) = tests::models::session(&ScriptedProvider::new("test").fail(busy()));
    session.generate_text("m", "?").retries(0).await.unwrap_err();
    assert_eq!(ledger.calls().len(), 1);
}

#[tokio::test]
async fn a_call_that_may_have_been_charged_is_unknown_and_a_refused_call_is_failed() {
    use AiErrorKind as Kind;
    use CallStatus::{Failed, Unknown};
    let bare = |kind| workflow_engine::ai::AiError::new(kind, "no");
    for (failure, tries, expected) in [
        (error(Kind::InvalidRequest, 400), 1, Failed),
        (error(Kind::ContextTooLong, 400), 1, Failed),
        (error(Kind::Authentication, 401), 1, Failed),
        (error(Kind::Refused, 403), 1, Failed),
        (error(Kind::NotFound, 404), 1, Failed),
        (error(Kind::RateLimited, 429), 3, Failed),
        (error(Kind::Overloaded, 503), 3, Failed),
        (error(Kind::Overloaded, 529), 3, Failed),
        (error(Kind::Overloaded, 500), 3, Unknown),
        (error(Kind::Overloaded, 504), 3, Unknown),
        (error(Kind::InvalidResponse, 200), 1, Unknown),
        (bare(Kind::Refused), 1, Unknown),
        (bare(Kind::Timeout), 1, Unknown),
        (bare(Kind::Connection), 3, Unknown),
        (bare(Kind::Unsupported), 1, Failed),
    ] {
        let provider = (0..3).fold(ScriptedProvider::new("test"), |script, _| script.fail(failure.clone()));
        let (session, ledger) = session(&provider);
        let told = session.generate_text("m", "?").await.unwrap_err();
        assert_eq!(told.kind(), failure.kind());
        assert_eq!(outcomes(&ledger), vec![expected; tries], "{failure:?}");
        assert!(ledger.calls().iter().all(|call| (call.reserved > Cost::ZERO) == (expected == Unknown)));
    }
}

#[tokio::test]
async fn a_cancelled_call_stops_at_any_point() {
    let provider = ScriptedProvider::new("test").no_response();
    let (session, ledger) = session(&provider);
    let token = CancellationToken::new();
    let session = session.cancelled_by(token.clone());
    let call = tokio::spawn(session.generate_text("m", "?").into_future());
    while provider.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    token.cancel();
    assert_eq!(call.await.unwrap().unwrap_err().kind(), AiErrorKind::Cancelled);
    assert_eq!(outcomes(&ledger), [CallStatus::Unknown]);
    assert_eq!(session.generate_text("m", "?").await.unwrap_err().kind(), AiErrorKind::Cancelled);
    assert_eq!(ledger.calls().len(), 1, "nothing more is reserved or sent");

    // Cancelled while it waits for the next attempt.
    let clock = FakeClock::new();
    let provider = ScriptedProvider::new("test").fail(error(AiErrorKind::Overloaded, 529));
    let client = client(&provider).clock(clock.clone()).build().unwrap();
    let token = CancellationToken::new();
    let session = AiSession::new(&client, "t", Arc::new(MemoryLedger::new())).cancelled_by(token.clone());
    let call = tokio::spawn(session.generate_text("m", "?").into_future());
    while clock.next_wake().is_none() {
        tokio::task::yield_now().await;
    }
    token.cancel();
    assert_eq!(call.await.unwrap().unwrap_err().kind(), AiErrorKind::Cancelled);
}

#[tokio::test]
async fn parallel_calls_cannot_overspend_together() {
    let provider =
        (0..8).fold(ScriptedProvider::new("test"), |script, _| script.text("yes", usage(100, 100)));
    let client = client(&provider).build().unwrap();
    // Room for three calls with a maximum cost of about 0.0006 USD.
    let ledger = Arc::new(MemoryLedger::with_budget("0.002 USD".parse().unwrap()));
    let session = AiSession::new(&client, "t", ledger.clone());
    let call = |_| tokio::spawn(session.generate_text("m", "?").max_tokens(100).into_future());
    let calls: Vec<_> = (0..8).map(call).collect();
    let mut refused = 0;
    for call in calls {
        if let Err(error) = call.await.unwrap() {
            assert_eq!(error.kind(), AiErrorKind::BudgetExceeded);
            refused += 1;
        }
    }
    assert!(refused > 0);
    assert_eq!(provider.requests().len(), 8 - refused);
    assert!(session.stats().await.unwrap().total.cost <= "0.002 USD".parse().unwrap());
}

#[tokio::test]
async fn sums_are_by_whole_segments_and_by_model() {
    let provider = (0..4).fold(ScriptedProvider::new("test"), |script, _| script.text("yes", usage(10, 1)));
    let (session, ledger) = session(&provider);
    let (one, ten) = (session.child("page", 1), session.child("page", 10));
    for session in [&session, &one, &ten, &ten.child("part.two", "a.b")] {
        session.generate_text("m", "?").await.unwrap();
    }
    assert_eq!(ledger.calls()[3].topic, "t.page.10.part_two.a_b");
    let calls = async |session: &AiSession| session.stats().await.unwrap().total.calls;
    assert_eq!([calls(&session).await, calls(&one).await, calls(&ten).await], [4, 1, 2]);

    let call = RecordedCall::new("m").prompt("p").response("r").usage(usage(1_000, 0));
    one.record_call(call.metadata(serde_json::json!({ "by": "hand" }))).await.unwrap();
    one.record_call(RecordedCall::new("other").cost("0.50 USD".parse().unwrap())).await.unwrap();
    let error = one.record_call(RecordedCall::new("other")).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::NotFound);
    let stats = one.stats().await.unwrap();
    assert_eq!((stats.total.calls, stats.total.settled, stats.total.input_tokens), (3, 3, 1_010));
    let by_model: Vec<_> =
        stats.by_model.iter().map(|(model, sums)| (model.as_str(), sums.cost.to_string())).collect();
    assert_eq!(by_model, [("m", "0.001014 USD".to_owned()), ("other", "0.50 USD".to_owned())]);
    let recorded = &ledger.calls()[4];
    assert_eq!(recorded.call_type, CallType::Custom);
    assert_eq!((recorded.prompt.as_deref(), recorded.response.as_deref()), (Some("p"), Some("r")));
}

#[tokio::test]
async fn only_the_options_that_a_call_or_its_preset_sets_reach_the_provider() {
    let provider = (0..5).fold(ScriptedProvider::new("test"), |script, _| script.text("7", usage(1, 1)));
    let (session, _) = session(&provider);
    let ai = AiConfig { model: "m".into(), temperature: Some(0.3), max_tokens: Some(99) };
    session.generate_text("m", "?").await.unwrap();
    session.generate_object::<u32>("m", "?").await.unwrap_err();
    session.generate_text(&ai, "?").await.unwrap();
    session.generate_text(&ai, "?").temperature(1.0).max_tokens(5).await.unwrap();
    let timeout = Duration::from_secs(9);
    let options = serde_json::json!({ "seed": 1 });
    session.generate_text("m", "?").timeout(timeout).provider_options(options.clone()).await.unwrap();
    let sent = provider.requests();
    let said: Vec<_> = sent.iter().map(|request| (request.temperature, request.max_tokens)).collect();
    let expected = [(None, None), (None, None), (Some(0.3), Some(99)), (Some(1.0), Some(5)), (None, None)];
    assert_eq!(said, expected);
    assert_eq!((sent[4].timeout, sent[4].provider_options.as_ref()), (timeout, Some(&options)));
}

#[tokio::test]
async fn content_capture_limits_the_stored_text() {
    for (record, prompt, response) in [
        (ContentCapture::Full, Some("größer"), Some("kleiner")),
        (ContentCapture::Truncated(4), Some("größ… [6 characters]"), Some("klei… [7 characters]")),
        (ContentCapture::Truncated(7), Some("größer"), Some("kleiner")),
        (ContentCapture::Off, None, None),
    ] {
        let provider = ScriptedProvider::new("test").text("kleiner", usage(1, 1));
        let client = client(&provider).capture_prompts(record).capture_responses(record).build().unwrap();
        let ledger = Arc::new(MemoryLedger::new());
        AiSession::new(&client, "t", ledger.clone()).generate_text("m", "größer").await.unwrap();
        let row = ledger.calls().pop().unwrap();
        assert_eq!((row.prompt.as_deref(), row.response.as_deref()), (prompt, response));
        assert_eq!(row.input_tokens, 1);
    }
}
