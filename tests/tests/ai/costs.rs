//! The cost of every kind of call in the ledger, exact to the picodollar.

use std::sync::Arc;

use futures_util::StreamExt;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use workflow_engine::Cost;
use workflow_engine::ai::{
    AiClient, AiError, AiErrorKind, AiSession, AiTool, BatchState, FinishReason, GenerateResponse,
    MemoryLedger, ModelConfig, ScriptedProvider, StreamPart, ToolCall, Usage,
};
use workflow_engine::ledger::{CallLedger, CallSums};

/// Prices per million tokens for input, cached input and output, and the discount of a batch.
type Prices = (&'static str, Option<&'static str>, &'static str, u8);

/// 1 USD, a tenth of it for cached tokens, 4 USD, and half off in a batch.
const ROUND: Prices = ("1", Some("0.10"), "4", 50);
const FLASH: Prices = ("0.30", Some("0.03"), "2.50", 50);
const UNCACHED: Prices = ("0.75", None, "4.50", 50);
/// One picodollar per million tokens.
const TINY: Prices = ("0.000000000001", None, "0.000000000001", 0);
const ODD: Prices = ("0.000000000003", Some("0.000000000001"), "0.000000000007", 33);
const EMBEDDING: Prices = ("0.02", None, "0", 0);
const FREE: Prices = ("0", None, "0", 0);
const HUGE: Prices = ("9000000", None, "9000000", 0);

enum Call {
    Text(Usage),
    Object(Usage),
    /// The response has the wrong form.
    Unreadable(Usage),
    Stream(Usage),
    Embed(Usage),
    Batch(Vec<Option<Usage>>),
    Tools(Vec<Usage>),
    Fails(AiError),
    /// The first attempt fails, the second succeeds.
    FailsFirst(AiError, Usage),
}

use Call::{Batch, Embed, Fails, FailsFirst, Object, Stream, Text, Tools, Unreadable};

const fn tokens(input: u64, cached: u64, output: u64) -> Usage {
    Usage { input_tokens: input, cached_input_tokens: cached, output_tokens: output }
}

fn error(kind: AiErrorKind, status: u16) -> AiError {
    AiError::new(kind, "no").with_status(status)
}

/// Calls, their prices, and their total cost.
fn table() -> Vec<(&'static str, Prices, Call, &'static str)> {
    let busy = || error(AiErrorKind::RateLimited, 429);
    vec![
        ("nothing", ROUND, Text(tokens(0, 0, 0)), "0.00 USD"),
        ("one token of input", ROUND, Text(tokens(1, 0, 0)), "0.000001 USD"),
        ("one token of output", ROUND, Text(tokens(0, 0, 1)), "0.000004 USD"),
        ("a million of each", ROUND, Text(tokens(1_000_000, 0, 1_000_000)), "5.00 USD"),
        ("a usual call", FLASH, Text(tokens(1_234, 0, 567)), "0.0017877 USD"),
        ("another", UNCACHED, Text(tokens(10_007, 0, 1_999)), "0.01650075 USD"),
        ("one cached token", ROUND, Text(tokens(1, 1, 0)), "0.0000001 USD"),
        ("some cached", ROUND, Text(tokens(1_000, 400, 200)), "0.00144 USD"),
        ("all cached", FLASH, Text(tokens(50_000, 50_000, 10)), "0.001525 USD"),
        ("more cached than there is", ROUND, Text(tokens(10, 99, 0)), "0.000001 USD"),
        ("cached without a price for it", UNCACHED, Text(tokens(1_000, 1_000, 0)), "0.00075 USD"),
        ("a fraction of a picodollar is a whole one", TINY, Text(tokens(1, 0, 0)), "0.000000000001 USD"),
        ("three fractions are one", TINY, Text(tokens(400_000, 0, 500_000)), "0.000000000001 USD"),
        ("just over one", TINY, Text(tokens(1_000_000, 0, 1)), "0.000000000002 USD"),
        ("exactly one", TINY, Text(tokens(1_000_000, 0, 0)), "0.000000000001 USD"),
        ("odd prices", ODD, Text(tokens(3_000_000, 1_000_000, 1_000_000)), "0.000000000014 USD"),
        ("a free model", FREE, Text(tokens(9_999, 0, 9_999)), "0.00 USD"),
        ("too much to be said", HUGE, Text(tokens(10_000_000, 0, 0)), "9223372.036854775807 USD"),
        ("more tokens than fit", HUGE, Text(tokens(u64::MAX, 0, u64::MAX)), "9223372.036854775807 USD"),
        ("an object", FLASH, Object(tokens(800, 0, 40)), "0.00034 USD"),
        ("an object that was cached", FLASH, Object(tokens(800, 800, 40)), "0.000124 USD"),
        ("an invalid object is charged", FLASH, Unreadable(tokens(800, 0, 40)), "0.00034 USD"),
        ("a stream", ROUND, Stream(tokens(100, 0, 50)), "0.0003 USD"),
        ("a stream that was cached", ROUND, Stream(tokens(100, 60, 50)), "0.000246 USD"),
        ("vectors", EMBEDDING, Embed(tokens(8_191, 0, 0)), "0.00016382 USD"),
        ("vectors of one token", EMBEDDING, Embed(tokens(1, 0, 0)), "0.00000002 USD"),
        ("a batch of one", ROUND, Batch(vec![Some(tokens(1_000, 0, 200))]), "0.0009 USD"),
        (
            "a batch of three",
            FLASH,
            Batch(vec![Some(tokens(1_000, 0, 200)), Some(tokens(1, 0, 0)), Some(tokens(0, 0, 1))]),
            "0.0004014 USD",
        ),
        ("a batch that was cached", ROUND, Batch(vec![Some(tokens(1_000, 400, 200))]), "0.00072 USD"),
        ("a batch with a failure", ROUND, Batch(vec![Some(tokens(1_000, 0, 200)), None]), "0.0009 USD"),
        ("a batch that fails", ROUND, Batch(vec![None, None]), "0.00 USD"),
        (
            "a batch without a discount",
            TINY,
            Batch(vec![Some(tokens(1_000_000, 0, 0))]),
            "0.000000000001 USD",
        ),
        (
            "a batch with an odd discount",
            ODD,
            Batch(vec![Some(tokens(1_000_000, 0, 0))]),
            "0.000000000003 USD",
        ),
        (
            "two steps with a tool",
            ROUND,
            Tools(vec![tokens(100, 0, 10), tokens(130, 90, 20)]),
            "0.000269 USD",
        ),
        (
            "three steps, each rounded by itself",
            TINY,
            Tools(vec![tokens(1, 0, 0), tokens(1, 0, 0), tokens(1, 0, 0)]),
            "0.000000000003 USD",
        ),
        ("a wrong request", ROUND, Fails(error(AiErrorKind::InvalidRequest, 400)), "0.00 USD"),
        ("a wrong key", ROUND, Fails(error(AiErrorKind::Authentication, 401)), "0.00 USD"),
        ("a server that fails", ROUND, Fails(error(AiErrorKind::Overloaded, 500)), "0.00 USD"),
        ("a call that fails first", ROUND, FailsFirst(busy(), tokens(10, 0, 10)), "0.00005 USD"),
    ]
}

fn model(prices: Prices, is_embedding_model: bool) -> ModelConfig {
    let cost = |text: &str| text.parse::<Cost>().unwrap();
    ModelConfig {
        id: "m-1".into(),
        name: "M".into(),
        provider: "test".into(),
        input_cost_per_million: cost(prices.0),
        cached_input_cost_per_million: prices.1.map(cost),
        output_cost_per_million: cost(prices.2),
        supports_async_batch: true,
        batch_discount_percent: prices.3,
        is_embedding_model,
        supports_tools: true,
        supports_structured_outputs: true,
        context_length: Some(100_000),
        max_completion_tokens: Some(10_000),
        priced_at: None,
    }
}

fn answer(usage: Usage) -> GenerateResponse {
    GenerateResponse {
        text: "yes".into(),
        reasoning: None,
        tool_calls: Vec::new(),
        usage,
        finish_reason: FinishReason::Stop,
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
struct CheckOutcome {
    good: bool,
}

fn session(provider: ScriptedProvider, prices: Prices, embeds: bool) -> (AiSession, Arc<MemoryLedger>) {
    let client = AiClient::builder().provider(provider).model("m", model(prices, embeds)).max_retries(1);
    let client = client.clock(tests::models::NoWaits).build().unwrap();
    let ledger = Arc::new(MemoryLedger::new());
    (AiSession::new(&client, "costs", ledger.clone()), ledger)
}

/// Makes the call and returns the sums of the ledger.
async fn made(prices: Prices, call: Call) -> CallSums {
    let script = ScriptedProvider::new("test");
    let (session, ledger) = match call {
        Text(usage) => {
            let (session, ledger) = session(script.text("yes", usage), prices, false);
            let answer = session.generate_text("m", "?").await.unwrap();
            assert_eq!((answer.usage, answer.cost), (usage, ledger.calls()[0].cost));
            (session, ledger)
        }
        Object(usage) => {
            let (session, ledger) = session(script.text(r#"{"good": true}"#, usage), prices, false);
            assert!(session.generate_object::<CheckOutcome>("m", "?").await.unwrap().good);
            (session, ledger)
        }
        Unreadable(usage) => {
            let (session, ledger) = session(script.text("good", usage), prices, false);
            let error = session.generate_object::<CheckOutcome>("m", "?").await.unwrap_err();
            assert_eq!(error.kind(), AiErrorKind::InvalidResponse);
            (session, ledger)
        }
        Stream(usage) => {
            let end = StreamPart::Finished { usage, finish_reason: FinishReason::Stop };
            let script = script.stream([Ok(StreamPart::Text("yes".into())), Ok(end)]);
            let (session, ledger) = session(script, prices, false);
            let mut stream = session.stream_text("m", "?").await.unwrap();
            while let Some(piece) = stream.next().await {
                piece.unwrap();
            }
            assert_eq!(stream.cost(), Some(ledger.calls()[0].cost));
            (session, ledger)
        }
        Embed(usage) => {
            let (session, ledger) = session(script.vectors(vec![vec![0.5]], usage), prices, true);
            assert_eq!(session.embed("m", "?").await.unwrap().embeddings, [[0.5]]);
            (session, ledger)
        }
        Batch(items) => {
            let refused = || Err(AiError::new(AiErrorKind::Refused, "no"));
            let outcomes = items.iter().map(|usage| usage.map_or_else(refused, |usage| Ok(answer(usage))));
            let results = outcomes.enumerate().map(|(number, outcome)| (format!("i{number}"), outcome));
            let (session, ledger) = session(script.batch(BatchState::Completed, results), prices, false);
            let batch = session.batch("m");
            let prompts = (0..items.len()).map(|number| (format!("i{number}"), "?"));
            let ticket = batch.submit(prompts).await.unwrap();
            let answers = batch.results(&ticket).await.unwrap();
            let costs: Cost = answers.iter().map(|answer| answer.cost).sum();
            assert_eq!(costs, ledger.calls().iter().map(|call| call.cost).sum());
            (session, ledger)
        }
        Tools(steps) => {
            let call = |number: usize| ToolCall {
                id: number.to_string(),
                name: "look".into(),
                input: json!(null),
                signature: None,
            };
            let (last, before) = steps.split_last().unwrap();
            let script = before
                .iter()
                .enumerate()
                .fold(script, |script, (number, usage)| script.tools([call(number)], *usage));
            let (session, ledger) = session(script.text("yes", *last), prices, false);
            let look = AiTool::new("look", "Looks.", async |(): ()| Ok::<_, String>(1));
            let answer = session.generate_text("m", "?").tool(look).await.unwrap();
            assert_eq!(answer.steps as usize, steps.len());
            (session, ledger)
        }
        Fails(error) => {
            let (session, ledger) = session(script.fail(error.clone()).fail(error.clone()), prices, false);
            assert_eq!(session.generate_text("m", "?").await.unwrap_err().kind(), error.kind());
            (session, ledger)
        }
        FailsFirst(error, usage) => {
            let (session, ledger) = session(script.fail(error).text("yes", usage), prices, false);
            session.generate_text("m", "?").await.unwrap();
            (session, ledger)
        }
    };
    assert!(ledger.calls().iter().all(|call| call.ended_at.is_some()), "every row is settled");
    session.stats().await.unwrap().total
}

#[tokio::test]
async fn every_call_costs_what_the_table_says() {
    let table = table();
    assert!(table.len() >= 30);
    for (name, prices, call, expected) in table {
        assert_eq!(made(prices, call).await.cost.to_string(), expected, "{name}");
    }
}

#[tokio::test]
async fn ten_thousand_calls_of_a_tenth_of_a_microdollar_are_a_thousandth_of_a_dollar() {
    let usage = tokens(1, 0, 0);
    let script = (0..10_000).fold(ScriptedProvider::new("test"), |script, _| script.text("", usage));
    let (session, ledger) = session(script, ("0.10", None, "0", 0), false);
    for _ in 0..10_000 {
        session.generate_text("m", "?").await.unwrap();
    }
    let total = ledger.statistics("costs").await.unwrap().total;
    assert_eq!((total.calls, total.settled, total.input_tokens), (10_000, 10_000, 10_000));
    assert_eq!(total.cost.to_string(), "0.001 USD");
    assert_eq!(total.reserved, Cost::ZERO);
}

#[test]
fn a_cost_never_rounds_down_and_never_up_by_more_than_a_picodollar() {
    for (input, cached, output) in
        [(1, 0, 0), (7, 3, 11), (999_999, 1, 333_333), (123_456_789, 23_456, 987_654)]
    {
        let cost = model(ODD, false).cost(&tokens(input, cached, output), true).picodollars();
        let exact_in_hundred_millionths =
            i128::from((input - cached) * 3 + cached + output * 7) * i128::from(100 - ODD.3);
        let cost = i128::from(cost) * 100_000_000;
        assert!((0..100_000_000).contains(&(cost - exact_in_hundred_millionths)));
    }
}
