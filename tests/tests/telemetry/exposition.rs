//! The text for Prometheus: `promtool` accepts it, its labels are registered names, and no secret is in it.

use std::io::Write;
use std::process::{Command, Stdio};

use tests::models::{client, usage};
use workflow_engine::ai::ScriptedProvider;
use workflow_engine::testing::TestEngine;

use crate::workflows::{AnswerInput, Asking, FetchInput, Filing};

const CANARY: &str = "canary-5f3a";

/// Runs `promtool` of Debian's package `prometheus` with this text. Returns `None`, and reports `test` as skipped, where it
/// is not installed.
///
/// # Panics
/// Without it, if `CI=true`.
pub fn promtool(test: &str, arguments: &[&str], input: &str) -> Option<(bool, String)> {
    let started = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        let reason = "`promtool` of Debian's package `prometheus` is not installed";
        assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "{test}: {reason}");
        eprintln!("skipped: {test}: {reason}");
        return None;
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

/// Returns the text of an engine that has counted something of each kind.
pub async fn text() -> String {
    let provider = ScriptedProvider::new("test").text(CANARY, usage(3, 5));
    let mut test = TestEngine::<Filing>::new();
    test.register::<Asking>().ai(client(&provider).build().unwrap());
    test.run(FetchInput { fails: false }).await.output.unwrap();
    let engine = test.engine().await;
    let input = AnswerInput { question: CANARY.into() };
    let start = engine.start::<Asking>(input).idempotency_key(CANARY).tag("customer", CANARY);
    let run = start.metadata(CANARY).await.unwrap();
    assert_eq!(test.finish(&run).await.output.unwrap(), CANARY);
    engine.measurements().await.to_prometheus()
}

#[tokio::test]
async fn promtool_accepts_the_text() {
    let text = text().await;
    let arguments = ["check", "metrics"];
    let Some((is_valid, said)) = promtool("promtool_accepts_the_text", &arguments, &text) else { return };
    assert!(is_valid && said.is_empty(), "{said}\n{text}");
    let (is_valid, _) = promtool("", &arguments, &text.replace("_total", "_sum")).unwrap();
    assert!(!is_valid, "promtool objects to what is wrong");
}

#[tokio::test]
async fn labels_are_registered_names_and_no_secret_is_in_the_text() {
    let text = text().await;
    assert!(!text.contains(CANARY), "{text}");
    for (label, values) in [
        ("workflow", &["filing", "asking"][..]),
        ("stage", &["fetch", "submit", "answer"]),
        ("model", &["m"]),
    ] {
        let marker = format!("{label}=\"");
        let found: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split_once(&marker)?.1.split_once('"').map(|(value, _)| value))
            .collect();
        assert!(!found.is_empty() && found.iter().all(|value| values.contains(value)), "{label}: {found:?}");
    }
    for sample in [
        r#"workflow_engine_runs_started_total{workflow="filing"} 1"#,
        r#"workflow_engine_runs_ended_total{workflow="filing",status="completed"} 1"#,
        r#"workflow_engine_stage_attempts_total{workflow="filing",stage="fetch",outcome="retried"} 1"#,
        r#"workflow_engine_stage_checks_total{workflow="filing",stage="submit",outcome="completed"} 1"#,
        r#"workflow_engine_stage_seconds_bucket{workflow="filing",stage="fetch",le="+Inf"} 2"#,
        r#"workflow_engine_ai_tokens_total{model="m",direction="output"} 5"#,
        r#"workflow_engine_ai_cost_usd_total{model="m"} 0.000023"#,
    ] {
        assert!(text.lines().any(|line| line == sample), "{sample} is not in:\n{text}");
    }
}
