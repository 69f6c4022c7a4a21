//! Cases about fidelity: a store returns values unchanged.

use std::fmt::Write;
use std::time::Duration;

use super::fixture::{ATTEMPTS, Fixture, complete, held, new_run};
use crate::ports::{Change, Commit, NewRun};
use crate::records::{BlobKey, EventKind, LogLevel, RunRequest, Status, StoredValue};
use crate::value::{Json, StageKey};

cases![
    payloads_are_stored_byte_for_byte,
    texts_are_stored_byte_for_byte,
    a_large_payload_is_stored_unchanged,
    a_graph_of_a_thousand_stages_completes,
    instants_are_stored_with_microsecond_precision,
];

/// Numbers beyond 64 bits and beyond floating point, escapes that databases refuse, whitespace, repeated keys.
const PAYLOADS: &[&str] = &[
    "null",
    "340282366920938463463374607431768211455",
    "-170141183460469231731687303715884105728",
    "1e131072",
    "0.1000",
    "-0.0",
    r#""\u0000""#,
    r#""\ud83e\udd80""#,
    r#""\ud800""#,
    "{\"a\" : [1,\t2]}",
    r#"{"a":1,"a":2}"#,
    r#"{"":{"größe":"漢字 🦀"}}"#,
    r#"["\\","\"","\/","\b\f\n\r\t"]"#,
    "\"\u{7f}\u{2028}\u{feff}\"",
];

async fn payloads_are_stored_byte_for_byte(fixture: Fixture) {
    for text in PAYLOADS {
        let payload = Json::trusted(*text);
        let request =
            RunRequest { input: payload.clone(), config: payload.clone(), metadata: Some(payload.clone()) };
        let run_id = fixture.create_as(NewRun { request: request.clone(), ..new_run() }).await;
        fixture.start(run_id, &[("a", 0)], 1).await;
        let job = fixture.claim("worker").await;
        let output = StoredValue::Inline(payload.clone());
        let key = BlobKey(format!("{run_id}/a/1/1"));
        let changes = vec![
            Change::PutBlob { key: key.clone(), value: payload.clone() },
            Change::Complete { stage_key: "a".into(), output: output.clone(), elapsed: Duration::ZERO },
            Change::ReleaseRun { output: Some(output.clone()), stages: Vec::new() },
        ];
        fixture.apply(held(&job, changes)).await;
        assert_eq!(fixture.store.request(run_id).await.unwrap(), Some(request));
        assert_eq!(fixture.run(run_id).await.output, Some(output.clone()));
        assert_eq!(fixture.stage(run_id, "a").await.output, Some(output));
        assert_eq!(fixture.store.blob(&key).await.unwrap(), Some(payload.clone()));
        match &fixture.events(run_id).await.last().unwrap().kind {
            EventKind::WorkflowCompleted { output, .. } => assert_eq!(output.as_ref(), Some(&payload)),
            other => panic!("{other:?}"),
        }
    }
}

async fn texts_are_stored_byte_for_byte(fixture: Fixture) {
    let texts = ["", "a\0b", "\u{1}\u{1f}\u{7f}", "'; DROP TABLE workflow_runs; --", "漢字 🦀", "a\\\"b\r\n"];
    for text in texts {
        let new = NewRun { workflow_id: text.into(), workflow_name: text.into(), ..new_run() };
        let run_id = fixture.create_as(new).await;
        let stage_id = format!("stage {text}");
        fixture.start(run_id, &[(&stage_id, 0)], 1).await;
        let job = fixture.claim(text).await;
        let stage_key = StageKey::from(&stage_id);
        assert_eq!((&job.lease.stage_key, job.workflow_id.as_str()), (&stage_key, text));
        let log = Change::Log {
            stage_key: Some(stage_key.clone()),
            level: LogLevel::Info,
            message: text.into(),
            fields: Json::null(),
        };
        let fail = Change::Fail { stage_key, error: text.into() };
        fixture.apply(held(&job, vec![log, fail])).await;
        let stage = fixture.stage(run_id, &stage_id).await;
        assert_eq!(stage.error_message.as_deref(), Some(text));
        assert_eq!(fixture.store.logs(run_id, 0, 10).await.unwrap()[0].message, text);
        let unfinished = fixture.store.unfinished_runs(text).await.unwrap();
        assert_eq!(unfinished.last().map(|run| run.workflow_id.as_str()), Some(text));
        match &fixture.events(run_id).await.last().unwrap().kind {
            EventKind::StageFailed { error, .. } => assert_eq!(error, text),
            other => panic!("{other:?}"),
        }
    }
}

async fn a_large_payload_is_stored_unchanged(fixture: Fixture) {
    let mut text = String::from("[");
    while text.len() < 1 << 20 {
        write!(text, "\"größe \\u0000 {}\",", text.len()).unwrap();
    }
    text.push_str("null]");
    let payload = Json::trusted(text);
    let (run_id, job) = fixture.running().await;
    let output = StoredValue::Inline(payload.clone());
    let key = BlobKey(format!("{run_id}/a/1/1"));
    let changes = vec![
        Change::PutBlob { key: key.clone(), value: payload.clone() },
        Change::Complete { stage_key: "a".into(), output: output.clone(), elapsed: Duration::ZERO },
    ];
    fixture.apply(held(&job, changes)).await;
    assert_eq!(fixture.stage(run_id, "a").await.output, Some(output));
    assert_eq!(fixture.store.blob(&key).await.unwrap(), Some(payload));
}

/// A thousand branches complete into one join with a thousand commits, none of which reads the other branches.
async fn a_graph_of_a_thousand_stages_completes(fixture: Fixture) {
    const BRANCHES: u32 = 998;
    let run_id = fixture.create().await;
    let names: Vec<String> = (0..BRANCHES).map(|number| format!("branch {number:03}")).collect();
    let mut stages: Vec<(&str, u32)> = vec![("head", 0)];
    stages.extend(names.iter().map(|name| (name.as_str(), 1)));
    stages.push(("join", BRANCHES));
    fixture.start(run_id, &stages, 1).await;
    let head = fixture.claim("worker").await;
    let releases: Vec<&str> = names.iter().map(String::as_str).collect();
    let Commit::Applied(applied) = fixture.complete(&head, &releases).await else { panic!("held") };
    assert_eq!(applied.ready.len(), BRANCHES as usize);
    let mut branches = fixture.claim_up_to("worker", usize::MAX).await;
    assert_eq!(branches.len(), BRANCHES as usize);
    branches.reverse();
    let commits = branches.into_iter().map(|job| {
        let fixture = fixture.clone();
        let release = Change::Release { stage_key: "join".into(), max_attempts: ATTEMPTS, max_crashes: 3, claim: None };
        let changes = vec![complete(&job.lease.stage_key), release];
        tokio::spawn(async move { fixture.apply(held(&job, changes)).await.ready.len() })
    });
    let ready = futures_util::future::join_all(commits.collect::<Vec<_>>()).await;
    assert_eq!(ready.into_iter().map(Result::unwrap).sum::<usize>(), 1);
    let join = fixture.claim("worker").await;
    fixture.complete_run(&join).await;
    assert_eq!(fixture.run(run_id).await.status, Status::Completed);
    assert_eq!(fixture.event_names(run_id).await.len(), 3 + 2 * 1_000);
}

async fn instants_are_stored_with_microsecond_precision(fixture: Fixture) {
    use crate::ports::Clock;

    fixture.clock.advance(Duration::from_nanos(123_456_789));
    let run_id = fixture.create().await;
    let created = fixture.run(run_id).await.created_at;
    let expected = fixture.clock.now().timestamp_micros();
    assert_eq!((created.timestamp_micros(), created.timestamp_subsec_nanos() % 1_000), (expected, 0));
    assert_eq!(fixture.events(run_id).await[0].at, created);
}
