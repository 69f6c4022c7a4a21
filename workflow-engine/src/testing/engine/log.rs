//! What happened in a test, as text.

use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::ports::Store;
use crate::records::{Event, EventKind, LogRecord};
use crate::value::RunId;

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
            line.at < event.at
                || (line.at == event.at && ended.is_some() && ended == line.stage_id.as_deref())
        });
        lines.extend(before.iter().map(log_line));
        logs = after;
        lines.push((event.at, event_line(&event.kind)));
    }
    lines.extend(logs.iter().map(log_line));
    lines
}

/// Returns the stage whose attempt the event ends.
fn ended_stage(kind: &EventKind) -> Option<&str> {
    match kind {
        EventKind::StageCompleted { stage_id, .. }
        | EventKind::StageRetrying { stage_id, .. }
        | EventKind::StageReturned { stage_id, .. }
        | EventKind::StageSuspended { stage_id, .. }
        | EventKind::StageFailed { stage_id, .. }
        | EventKind::StageCancelled { stage_id, .. } => Some(stage_id),
        _ => None,
    }
}

fn log_line(line: &LogRecord) -> (DateTime<Utc>, String) {
    let LogRecord { stage_id, level, message, fields, .. } = line;
    let fields = fields.as_str();
    let fields = if fields == "null" { String::new() } else { format!(" {fields}") };
    let about = stage_id.as_deref().unwrap_or("run");
    (line.at, format!("log {about} {}: {message}{fields}", level.as_str()))
}

fn event_line(kind: &EventKind) -> String {
    let details = match kind {
        EventKind::WorkflowCompleted { output: Some(output), .. } if output.as_str().len() <= MAX_OUTPUT => {
            output.as_str().to_owned()
        }
        EventKind::WorkflowFailed { code, error } => format!("{code}: {error}"),
        EventKind::WorkflowCancelled { reason } => reason.clone().unwrap_or_default(),
        EventKind::StageStarted { stage_id, attempt, .. } => format!("{stage_id}, attempt {attempt}"),
        EventKind::StageProgress { stage_id, fraction, message } => {
            format!("{stage_id} {:.0} %: {message}", fraction * 100.0)
        }
        EventKind::StageSuspended { stage_id, next_check_ms, .. } => {
            format!("{stage_id}, next check in {}", span(Duration::from_millis(*next_check_ms)))
        }
        EventKind::StageCompleted { stage_id, arm: Some(arm), .. } => format!("{stage_id}, arm {arm}"),
        EventKind::StageCompleted { stage_id, .. } | EventKind::StageCancelled { stage_id, .. } => {
            stage_id.clone()
        }
        EventKind::StageSignalled { stage_id, actor, .. } => match actor {
            Some(actor) => format!("{stage_id} by {actor}"),
            None => stage_id.clone(),
        },
        EventKind::StageSkipped { stage_id, because, .. } => format!("{stage_id}, because of `{because}`"),
        EventKind::StageRetrying { stage_id, attempt, error, delay_ms, .. } => {
            let delay = span(Duration::from_millis(*delay_ms));
            format!("{stage_id}, attempt {attempt}: {error}; next attempt in {delay}")
        }
        EventKind::StageReturned { stage_id, attempt, reason, .. } => {
            format!("{stage_id}, attempt {attempt}: {reason}")
        }
        EventKind::StageFailed { stage_id, attempt, error, .. } => {
            format!("{stage_id}, attempt {attempt}: {error}")
        }
        EventKind::AnnotationCreated { stage_id, key, value, .. } => {
            let about = stage_id.as_deref().map(|stage| format!("{stage} ")).unwrap_or_default();
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
