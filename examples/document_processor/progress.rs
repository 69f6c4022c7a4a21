//! What the program says while it works: on a terminal with a live line for each document, elsewhere in plain lines.
//!
//! Everything goes to the standard error, so that the reports can be piped from the standard output.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Wider than the name of any stage.
const STAGE_WIDTH: usize = 15;

/// Longer names of documents are not aligned.
const WIDEST_LABEL: usize = 60;

/// One thing that happened to a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A stage began.
    Started { stage: String },
    /// An attempt failed, and another one follows.
    Retrying { stage: String, error: String },
    /// A stage is done for good.
    Completed { stage: String, took: Duration },
    /// A stage was done before this program was started.
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
    /// Lines for documents of these names.
    pub fn new<'a>(labels: impl IntoIterator<Item = &'a str>) -> Self {
        let label_width = labels.into_iter().map(|label| label.chars().count()).max().unwrap_or(0);
        let bars = io::stderr().is_terminal().then(MultiProgress::new);
        Self { bars, label_width: label_width.min(WIDEST_LABEL) }
    }

    /// Prints a line above the live ones.
    pub fn line(&self, line: &str) {
        // A program whose messages nobody reads any more still does its work.
        let _ = match &self.bars {
            Some(bars) => bars.println(line),
            None => writeln!(io::stderr(), "{line}"),
        };
    }

    /// The lines of the document called `label`.
    pub fn document(&self, label: &str) -> DocumentProgress {
        DocumentProgress { progress: self.clone(), label: label.to_owned(), bar: None, running: Vec::new() }
    }
}

impl DocumentProgress {
    /// Shows one step.
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

/// A stage that starts is shown by the live line alone.
fn describe(step: &Step) -> Option<String> {
    match step {
        Step::Started { .. } => None,
        Step::Retrying { error, .. } => Some(format!("will be tried again: {error}")),
        Step::Completed { took, .. } => Some(format!("completed in {}", shown(*took))),
        Step::AlreadyCompleted { .. } => Some("was completed before".to_owned()),
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
    fn only_what_is_decided_gets_a_line() {
        assert_eq!(describe(&Step::Started { stage: "report".into() }), None);
        let done = Step::Completed { stage: "report".into(), took: Duration::from_millis(3) };
        assert_eq!(describe(&done).as_deref(), Some("completed in 3 ms"));
    }
}
