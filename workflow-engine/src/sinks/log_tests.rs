//! The level and the fields of a log line.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::DateTime;
use tracing::field::{Field, Visit};
use tracing::{Metadata, Subscriber, span};

use super::*;
use crate::records::EventKind;
use crate::value::RunId;

type Line = (Level, String, BTreeMap<&'static str, String>);

/// A subscriber that keeps the lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        self.0.lock().unwrap().push((*metadata.level(), metadata.target().to_owned(), fields.0));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn event(sequence: u64, kind: EventKind) -> Event {
    Event {
        run_id: RunId::generate(),
        sequence,
        at: DateTime::UNIX_EPOCH,
        causation_id: "run.create".into(),
        kind,
    }
}

/// Returns the lines that a sink writes.
fn lines(sink: TracingSink, events: &[Event]) -> Vec<Line> {
    let lines = Lines::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    tracing::subscriber::with_default(lines.clone(), || {
        runtime.block_on(async {
            for event in events {
                sink.deliver(event).await.unwrap();
            }
        });
    });
    let lines = lines.0.lock().unwrap();
    lines.iter().filter(|(_, target, _)| target == TracingSink::TARGET).cloned().collect()
}

#[test]
fn a_line_has_the_event_its_run_its_fields_and_a_level() {
    let events = [
        event(1, EventKind::WorkflowCreated { workflow_id: "w".into() }),
        event(7, EventKind::WorkflowFailed { code: "STAGE_FAILED".into(), error: "no".into() }),
        event(8, EventKind::WorkflowCancelled { reason: None }),
        event(
            9,
            EventKind::StageProgress {
                place: crate::value::Place::default(),
                stage_id: "a".into(),
                fraction: 0.5,
                message: "half".into(),
            },
        ),
    ];
    let lines = lines(TracingSink::new(), &events);
    let levels: Vec<Level> = lines.iter().map(|line| line.0).collect();
    assert_eq!(levels, [Level::INFO, Level::ERROR, Level::WARN, Level::DEBUG]);
    let fields = &lines[1].2;
    assert_eq!(fields["run"], events[1].run_id.to_string());
    assert_eq!((fields["sequence"].as_str(), fields["event"].as_str()), ("7", "workflow:failed"));
    assert_eq!(fields["payload"], r#"{"code":"STAGE_FAILED","error":"no"}"#);
    assert_eq!(fields["at"], "1970-01-01T00:00:00+00:00");
    assert_eq!(fields["causation_id"], "run.create");
}

#[test]
fn one_level_can_be_set_for_all_events() {
    for level in [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR] {
        let lines = lines(TracingSink::at(level), &[event(1, EventKind::WorkflowStarted {})]);
        assert_eq!(lines.iter().map(|line| line.0).collect::<Vec<_>>(), [level]);
    }
}
