//! No prompt, no response and no key reaches a log at default settings.

use std::io::Write;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::StreamExt;
use schemars::JsonSchema;
use serde::Deserialize;
use tests::models::{NoWaits, round, usage};
use tracing_subscriber::filter::LevelFilter;
use workflow_engine::ai::{
    AiClient, AiError, AiErrorKind, AiProvider, AiTool, GenerateRequest, GenerateResponse, GenerateStream,
    ModelRegistry, RecordedCall, ScriptedProvider, StreamPart, ToolCall,
};
use workflow_engine::prelude::*;

const KEY: &str = "CANARY-KEY";
const PROMPT: &str = "CANARY-PROMPT";
const RESPONSE: &str = "CANARY-RESPONSE";

/// A provider of the program, which exposes its key in errors.
#[derive(Debug)]
struct Careless {
    key: &'static str,
    script: ScriptedProvider,
}

#[async_trait]
impl AiProvider for Careless {
    fn id(&self) -> &'static str {
        "test"
    }

    async fn generate(&self, request: &GenerateRequest) -> Result<GenerateResponse, AiError> {
        assert!(!self.key.is_empty());
        self.script.generate(request).await
    }

    async fn stream(&self, request: &GenerateRequest) -> Result<GenerateStream, AiError> {
        AiProvider::stream(&self.script, request).await
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
struct CheckOutcome {
    #[allow(dead_code, reason = "it is never read, for the answers are none")]
    good: bool,
}

/// Makes every kind of call, most of which fail.
#[stage(retry(max_attempts = 1))]
async fn talk(ctx: &StageContext) -> StageResult<Vec<String>> {
    let ai = ctx.ai();
    let mut shown =
        vec![format!("{ai:?}"), format!("{:?}", ai.generate_text("m", PROMPT).instructions(PROMPT))];
    let answer = ai.generate_text("m", PROMPT).instructions(PROMPT).await?;
    shown.push(format!("{answer:?}"));
    let tool = AiTool::new("look", "Looks.", async |input: String| Err::<(), _>(format!("not {input}")));
    shown.push(format!("{tool:?}"));
    shown.push(format!("{:?}", ai.generate_text("m", PROMPT).tool(tool).await?));
    for _ in 0..2 {
        let error = ai.generate_object::<CheckOutcome>("m", PROMPT).await.unwrap_err();
        shown.push(format!("{error:?} {}", StageError::from(error.clone())));
    }
    let mut stream = ai.stream_text("m", PROMPT).await?;
    stream.next().await.unwrap()?;
    shown.push(format!("{stream:?}"));
    drop(stream);
    let recorded = RecordedCall::new("m").prompt(PROMPT).response(RESPONSE);
    shown.push(format!("{recorded:?}"));
    ai.record_call(recorded).await?;
    ctx.log(workflow_engine::LogLevel::Info, "shown", &shown);
    // The last failure becomes the run's error.
    ai.generate_object::<CheckOutcome>("m", PROMPT).await?;
    Ok(shown)
}

workflow! { talking = talk }

#[tokio::test]
async fn no_key_no_prompt_and_no_response_is_in_any_log() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(move || writer.clone()).init();

    let call = ToolCall { id: "1".into(), name: "look".into(), input: RESPONSE.into(), signature: None };
    let script = ScriptedProvider::new("test")
        .fail(AiError::new(AiErrorKind::Overloaded, "busy").with_status(529))
        .text(RESPONSE, usage(1, 1))
        .tools([call], usage(1, 1))
        .text(RESPONSE, usage(1, 1))
        .text(RESPONSE, usage(1, 1))
        .text(format!("{{\"good\": \"{RESPONSE}\"}}"), usage(1, 1))
        .stream([Ok(StreamPart::Text(RESPONSE.into()))])
        .text(format!("{{\"{RESPONSE}\": 1}}"), usage(1, 1));
    let provider = Careless { key: KEY, script };
    assert!(format!("{provider:?}").contains(KEY), "the canary sings");
    let client = AiClient::builder()
        .models(ModelRegistry::new())
        .model("m", round())
        .provider(provider)
        .clock(NoWaits)
        .build()
        .unwrap();
    let client_shown = format!("{client:?}");
    let engine = Engine::builder("memory:").register::<talking>().ai(client).build().await.unwrap();
    let run = engine.start::<talking>(workflow_engine::value::NoInput {}).await.unwrap();
    let error = run.output().await.unwrap_err();
    let logs: Vec<_> = run.logs().map(|line| line.unwrap()).collect().await;
    let events: Vec<_> = run.events().map(|event| event.unwrap()).collect().await;

    // The ledger has the prompts and responses, so the calls were made.
    let calls = run.ai_calls().await.unwrap();
    assert_eq!(calls.len(), 10);
    let kept = format!("{calls:?}");
    assert!(kept.contains(PROMPT) && kept.contains(RESPONSE));
    engine.shutdown().await;

    let traced = log.text();
    // Other tests of this program write to the log of the process, too.
    let run_id = run.id().to_string();
    let is_own = |line: &str| line.contains("retrying a model call") && line.contains(&run_id);
    assert!(traced.lines().any(is_own), "the log is captured: {traced}");
    assert!(!logs.is_empty() && !events.is_empty());
    for (what, text) in [
        ("the trace", traced),
        ("the run's log", format!("{logs:?}")),
        ("the events", format!("{events:?}")),
        ("the run's error", format!("{error:?} {error}")),
        ("the client", client_shown),
    ] {
        for secret in [KEY, PROMPT, RESPONSE] {
            assert!(!text.contains(secret), "{secret} is in {what}: {text}");
        }
    }
}
