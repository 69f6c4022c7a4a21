//! Shows progress: on a terminal a live line for each document, otherwise plain lines.
//!
//! Everything is printed to standard error, so that the reports on standard output can be piped.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Wider than the name of any stage.
const STAGE_WIDTH: usize = 15;

/// Longer names of documents are not aligned.
const WIDEST_LABEL: usize = 60;

/// A step in the processing of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A stage started.
    Started { stage: String },
    /// An attempt failed and will be retried.
    Retrying { stage: String, error: String },
    /// A stage completed.
    Completed { stage: String, took: Duration },
    /// A stage completed before this program started.
    AlreadyCompleted { stage: String },
}

/// The lines of the whole program.
#[derive(Clone, Debug)]
pub struct Progress {
    bars: Option<MultiProgress>,
    label_width: usize,
}

/// The lines of one document.
#[derive(Debug)]
pub struct DocumentProgress {
    progress: Progress,
    label: String,
    bar: Option<ProgressBar>,
    running: Vec<String>,
}

impl Progress {
    /// Creates the output for documents with these names.
    pub fn new<'a>(labels: impl IntoIterator<Item = &'a str>) -> Self {
        let label_width = labels.into_iter().map(|label| label.chars().count()).max().unwrap_or(0);
        let bars = io::stderr().is_terminal().then(MultiProgress::new);
        Self { bars, label_width: label_width.min(WIDEST_LABEL) }
    }

    /// Prints a line above the live lines.
    pub fn line(&self, line: &str) {
        // Errors are ignored: the program works even if its output is closed.
        let _ = match &self.bars {
            Some(bars) => bars.println(line),
            None => writeln!(io::stderr(), "{line}"),
        };
    }

    /// Creates the output of the document named `label`.
    pub fn document(&self, label: &str) -> DocumentProgress {
        DocumentProgress { progress: self.clone(), label: label.to_owned(), bar: None, running: Vec::new() }
    }
}

impl DocumentProgress {
    /// Shows a step.
    pub fn show(&mut self, step: &Step) {
        let (Step::Started { stage }
        | Step::Retrying { stage, .. }
        | Step::Completed { stage, .. }
        | Step::AlreadyCompleted { stage }) = step;
        self.running.retain(|running| running != stage);
        if let Step::Started { .. } | Step::Retrying { .. } = step {
            self.running.push(stage.clone());
        }
        if let Some(what) = describe(step) {
            let width = self.progress.label_width;
            self.progress.line(&format!("{:width$}  {stage:STAGE_WIDTH$}  {what}", self.label));
        }
        self.show_running();
    }

    fn show_running(&mut self) {
        let Some(bars) = &self.progress.bars else { return };
        if self.running.is_empty() && self.bar.is_none() {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = bars.add(ProgressBar::new_spinner().with_style(ProgressStyle::default_spinner()));
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        bar.set_message(format!("{}  {}", self.label, self.running.join(", ")));
    }
}

impl Drop for DocumentProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Returns the text of a step; a started stage only appears in the live line.
fn describe(step: &Step) -> Option<String> {
    match step {
        Step::Started { .. } => None,
        Step::Retrying { error, .. } => Some(format!("failed and will be retried: {error}")),
        Step::Completed { took, .. } => Some(format!("completed in {}", shown(*took))),
        Step::AlreadyCompleted { .. } => Some("already completed".to_owned()),
    }
}

fn shown(duration: Duration) -> String {
    match duration.as_millis() {
        millis @ 0..10_000 => format!("{millis} ms"),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        assert_eq!(shown(Duration::from_millis(12)), "12 ms");
        assert_eq!(shown(Duration::from_millis(12_340)), "12.3 s");
    }

    #[test]
    fn a_started_stage_has_no_line() {
        assert_eq!(describe(&Step::Started { stage: "report".into() }), None);
        let completed = Step::Completed { stage: "report".into(), took: Duration::from_millis(3) };
        assert_eq!(describe(&completed).as_deref(), Some("completed in 3 ms"));
    }
}
