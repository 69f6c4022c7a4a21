//! The progress of a run, on standard error: a line for each stage.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::time::Duration;

use chrono::TimeDelta;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use workflow_engine::RunId;
use workflow_engine::records::{Event, EventKind, Status};
use workflow_engine_server::view::RunView;

use crate::api::Api;
use crate::failure::{Exit, Failure};
use crate::output::{note, text};

/// The time without any sign of a worker after which the user learns it.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// Follows a run to its end, and returns its record then.
///
/// # Errors
/// When the store cannot be read.
pub async fn follow(api: &Api, run_id: RunId) -> Result<RunView, Failure> {
    let mut events = api.events(run_id, 0);
    let mut lines = Lines::new();
    let mut is_warned = false;
    loop {
        match tokio::time::timeout(SIGN_OF_LIFE, events.next()).await {
            Ok(Ok(Some((_, event)))) => lines.show(&event),
            Ok(Ok(None)) => break,
            Ok(Err(failure)) => return Err(failure),
            Err(_) if is_warned => {}
            Err(_) => is_warned = warn(api, run_id, &lines).await?,
        }
    }
    drop(lines);
    let run = api.run(run_id).await?;
    if run.status.is_terminal() {
        return Ok(run);
    }
    Err(Failure::new(Exit::Unavailable, format!("the events of run `{run_id}` ended before the run"))
        .advice("the server stops, or has more streams than it takes; try it again"))
}

/// Ends a command with the exit code of the run's status.
///
/// # Errors
/// When the run has failed or was cancelled.
pub fn outcome(run: &RunView) -> Result<(), Failure> {
    match run.status {
        Status::Failed => {
            let error = run.error.as_ref();
            let (code, message) =
                error.map_or(("RUN_FAILED", "for an unknown reason"), |error| (&error.code, &error.message));
            Err(Failure::new(Exit::RunFailed, format!("run `{}` failed: {}", run.id, text::line(message)))
                .advice(format!("see `runs show {}` and `runs logs {}` ({code})", run.id, run.id)))
        }
        Status::Cancelled => {
            let reason = run.cancel_reason.as_deref().map(|reason| format!(": {}", text::line(reason)));
            let message = format!("run `{}` was cancelled{}", run.id, reason.unwrap_or_default());
            Err(Failure::new(Exit::RunCancelled, message))
        }
        _ => Ok(()),
    }
}

/// Tells the user why nothing happens; returns whether there was a reason.
async fn warn(api: &Api, run_id: RunId, lines: &Lines) -> Result<bool, Failure> {
    let (_, details) = api.details(run_id).await?;
    let run = details.run;
    if let Some(blocked) = details.blocked_reason {
        lines.note(&format!("the run stands still: {} ({})", blocked.message, blocked.code));
        return Ok(true);
    }
    if run.status == Status::Pending {
        lines.note("no worker has claimed the run yet: start one with the program's command `worker`");
        return Ok(true);
    }
    Ok(false)
}

/// A line for each stage: redrawn on a terminal, otherwise a line for each event.
struct Lines {
    screen: Option<MultiProgress>,
    stages: BTreeMap<String, ProgressBar>,
}

impl Lines {
    fn new() -> Self {
        let screen =
            io::stderr().is_terminal().then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        Self { screen, stages: BTreeMap::new() }
    }

    fn note(&self, line: &str) {
        match &self.screen {
            // It fails where the terminal is gone.
            Some(screen) => drop(screen.println(line)),
            None => note(line),
        }
    }

    fn show(&mut self, event: &Event) {
        let Some((stage, (state, is_end))) = event.kind.stage_key().zip(step(&event.kind)) else { return };
        let stage = stage.to_string();
        let state = text::line(&state);
        let Some(screen) = &self.screen else {
            note(format!("{stage}: {state}"));
            return;
        };
        let bar = self.stages.entry(stage.clone()).or_insert_with(|| {
            let bar = screen.add(ProgressBar::new_spinner());
            // The template is a constant.
            bar.set_style(
                ProgressStyle::with_template("{spinner} {prefix}: {wide_msg}").expect("it is valid"),
            );
            bar.set_prefix(stage);
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if is_end {
            bar.disable_steady_tick();
            bar.abandon_with_message(state);
        } else {
            bar.set_message(state);
        }
    }
}

/// Returns what an event says of a stage, and whether the stage has ended.
fn step(kind: &EventKind) -> Option<(String, bool)> {
    Some(match kind {
        EventKind::StageStarted { attempt: 1, .. } => ("running".to_owned(), false),
        EventKind::StageStarted { attempt, .. } => (format!("running, attempt {attempt}"), false),
        EventKind::StageProgress { fraction, message, .. } => {
            (format!("{:.0} % {message}", fraction * 100.0), false)
        }
        EventKind::StageSuspended { next_check_ms, .. } => {
            (format!("waiting, next check in {}", millis(*next_check_ms)), false)
        }
        EventKind::StageCompleted { duration_ms, .. } => {
            (format!("completed in {}", millis(*duration_ms)), true)
        }
        EventKind::StageRetrying { error, delay_ms, .. } => {
            (format!("failed, next attempt in {}: {error}", millis(*delay_ms)), false)
        }
        EventKind::StageReturned { reason, .. } => (format!("returned: {reason}"), false),
        EventKind::StageFailed { error, .. } => (format!("failed: {error}"), true),
        EventKind::StageCancelled { .. } => ("cancelled".to_owned(), true),
        _ => return None,
    })
}

fn millis(millis: u64) -> String {
    text::duration(TimeDelta::milliseconds(i64::try_from(millis).unwrap_or(i64::MAX)))
}
