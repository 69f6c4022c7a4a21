//! The log lines of the engine, for tests of what operators read.

use std::io;
use std::sync::{Arc, LazyLock, Mutex, Once};

use tokio::sync::{Notify, OwnedMutexGuard};
use tracing_subscriber::filter::LevelFilter;

static LINES: LazyLock<Lines> = LazyLock::new(Lines::default);
static TURN: LazyLock<Arc<tokio::sync::Mutex<()>>> = LazyLock::new(Arc::default);

#[derive(Default)]
struct Lines {
    lines: Mutex<Vec<String>>,
    added: Notify,
}

/// The log lines of one test. The log belongs to the process, so such tests run one after the other.
pub struct LogLines {
    _turn: OwnedMutexGuard<()>,
}

impl LogLines {
    /// Waits for its turn, then records every line.
    pub async fn record() -> Self {
        static INSTALLED: Once = Once::new();
        let turn = Arc::clone(&TURN).lock_owned().await;
        INSTALLED.call_once(|| {
            let log = tracing_subscriber::fmt().with_max_level(LevelFilter::DEBUG);
            log.with_ansi(false).without_time().with_writer(|| Writer).init();
        });
        LINES.lines.lock().expect("no panic under this lock").clear();
        Self { _turn: turn }
    }

    /// Returns the lines so far.
    pub fn all(&self) -> Vec<String> {
        LINES.lines.lock().expect("no panic under this lock").clone()
    }

    /// Returns the engine's lines of the levels `WARN` and `ERROR`.
    pub fn loud(&self) -> Vec<String> {
        let mut lines = self.all();
        // Between the level and the target are the spans.
        let is_loud = |line: &str| line.starts_with("WARN ") || line.starts_with("ERROR ");
        lines.retain(|line| is_loud(line.trim_start()) && line.contains(" workflow_engine::"));
        lines
    }

    /// Waits until there are `count` lines that contain `text`.
    pub async fn wait_for(&self, count: usize, text: &str) {
        loop {
            let added = LINES.added.notified();
            if self.all().iter().filter(|line| line.contains(text)).count() >= count {
                return;
            }
            added.await;
        }
    }
}

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line).into_owned();
        LINES.lines.lock().expect("no panic under this lock").push(text);
        LINES.added.notify_one();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
