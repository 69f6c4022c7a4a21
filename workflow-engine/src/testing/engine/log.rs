//! What happened in a test, as text.

use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::ports::Store;
use crate::records::{Event, EventKind, LogRecord};
use crate::value::{RunId, StageKey};

/// The longest output that a line shows, in bytes.
const MAX_OUTPUT: usize = 100;
/// The width of the column with the time.
const TIME_WIDTH: usize = 9;

/// Returns the events and log lines of these runs, a line for each, in the order of their instants. The workflow and a number
/// tell several runs apart. The text contains no id and no instant of the machine, so it is the same each time.
pub(super) async fn log_of(store: &dyn Store, runs: &[RunId], began: DateTime<Utc>) -> String {
    let mut lines: Vec<(DateTime<Utc>, usize, String)> = Vec::new();
    let mut names: Vec<(String, String)> = Vec::new();
    for (index, run_id) in runs.iter().enumerate() {
        let workflow = store.run(*run_id).await.ok().flatten().map(|run| run.workflow_id).unwrap_or_default();
        let earlier = names.iter().filter(|(known, _)| *known == workflow).count();
        let label = if runs.len() > 1 { format!("{workflow} {} | ", earlier + 1) } else { String::new() };
        names.push((workflow, label.clone()));
        let events = store.events(*run_id, 0, usize::MAX).await.unwrap_or_default();
        let logs = store.logs(*run_id, 0, usize::MAX).await.unwrap_or_default();
        for (at, text) in lines_of(&events, &logs) {
            lines.push((at, index, format!("{label}{text}")));
        }
    }
    // Stable, so that the lines of a run stay in their order.
    lines.sort_by_key(|(at, index, _)| (*at, *index));
    let mut log = String::new();
    for (at, _, text) in lines {
        let since = (at - began).to_std().unwrap_or_default();
        // A text can name a run.
        let text = runs
            .iter()
            .enumerate()
            .fold(text, |text, (index, run)| text.replace(&run.to_string(), &format!("<run {}>", index + 1)));
        _ = writeln!(log, "{:<TIME_WIDTH$} {text}", span(since));
    }
    log
}

/// Returns the lines of one run in order: a log line precedes the event with which its attempt ended.
fn lines_of(events: &[Event], logs: &[LogRecord]) -> Vec<(DateTime<Utc>, String)> {
    let (mut lines, mut logs) = (Vec::new(), logs.to_vec());
    for event in events {
        let ended = ended_stage(&event.kind);
        let (before, after): (Vec<_>, Vec<_>) = logs.into_iter().partition(|line| {
            line.at < event.at || (line.at == event.at && ended.is_some() && ended == line.stage_key())
        });
        lines.extend(before.iter().map(log_line));
        logs = after;
        lines.push((event.at, event_line(&event.kind)));
    }
    lines.extend(logs.iter().map(log_line));
    lines
}

/// Returns the stage whose attempt the event ends.
fn ended_stage(kind: &EventKind) -> Option<StageKey> {
    let ends = matches!(
        kind,
        EventKind::StageCompleted { .. }
            | EventKind::StageRetrying { .. }
            | EventKind::StageReturned { .. }
            | EventKind::StageSuspended { .. }
            | EventKind::StageFailed { .. }
            | EventKind::StageCancelled { .. }
    );
    kind.stage_key().filter(|_| ends)
}

fn log_line(line: &LogRecord) -> (DateTime<Utc>, String) {
    let LogRecord { level, message, fields, .. } = line;
    let fields = fields.as_str();
    let fields = if fields == "null" { String::new() } else { format!(" {fields}") };
    let about = line.stage_key().map_or_else(|| "run".to_owned(), |stage| stage.to_string());
    (line.at, format!("log {about} {}: {message}{fields}", level.as_str()))
}

fn event_line(kind: &EventKind) -> String {
    let stage = kind.stage_key().map(|stage| stage.to_string()).unwrap_or_default();
    let details = match kind {
        EventKind::WorkflowCompleted { output: Some(output), .. } if output.as_str().len() <= MAX_OUTPUT => {
            output.as_str().to_owned()
        }
        EventKind::WorkflowFailed { code, error } => format!("{code}: {error}"),
        EventKind::WorkflowCancelled { reason } => reason.clone().unwrap_or_default(),
        EventKind::StageStarted { attempt, .. } => format!("{stage}, attempt {attempt}"),
        EventKind::StageProgress { fraction, message, .. } => {
            format!("{stage} {:.0} %: {message}", fraction * 100.0)
        }
        EventKind::StageSuspended { next_check_ms, .. } => {
            format!("{stage}, next check in {}", span(Duration::from_millis(*next_check_ms)))
        }
        EventKind::StageCompleted { arm: Some(arm), .. } => format!("{stage}, arm {arm}"),
        EventKind::StageCompleted { .. } | EventKind::StageCancelled { .. } => stage,
        EventKind::StageSignalled { actor, .. } => match actor {
            Some(actor) => format!("{stage} by {actor}"),
            None => stage,
        },
        EventKind::StageSkipped { because, .. } => format!("{stage}, because of `{because}`"),
        EventKind::StageRetrying { attempt, error, delay_ms, .. } => {
            let delay = span(Duration::from_millis(*delay_ms));
            format!("{stage}, attempt {attempt}: {error}; next attempt in {delay}")
        }
        EventKind::StageReturned { attempt, reason, .. } => {
            format!("{stage}, attempt {attempt}: {reason}")
        }
        EventKind::StageFailed { attempt, error, .. } => {
            format!("{stage}, attempt {attempt}: {error}")
        }
        EventKind::AnnotationCreated { key, value, .. } => {
            let about = if stage.is_empty() { stage } else { format!("{stage} ") };
            format!("{about}{key} = {}", value.as_str())
        }
        _ => String::new(),
    };
    let name = kind.name();
    if details.is_empty() { name.to_owned() } else { format!("{name} {details}") }
}

/// Returns a duration in words, for example `1d 2h`, to the millisecond.
fn span(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.subsec_millis());
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (u64::from(millis), "ms"),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = parts.map(|(count, unit)| format!("{count}{unit}")).collect();
    if words.is_empty() { "0s".to_owned() } else { words.join(" ") }
}
