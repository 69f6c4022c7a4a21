//! One reader for each run that is watched, which feeds all of its streams.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use workflow_engine::records::{Event, LogRecord};
use workflow_engine::{AnyRun, Engine, Error, LogFilter, RunId};

use super::Position;

/// A stream that is this many items behind is closed. It resumes where it was.
const BACKLOG: usize = 1_000;
/// The time between two reads while a run changes all the time.
const PACE: Duration = Duration::from_millis(100);
/// The reads that come sooner after a rest: one commit often brings about the next one, which need not wait for the pace.
const BURST: u32 = 3;
/// The least time between two reads.
const GAP: Duration = Duration::from_millis(10);
/// Items of one read.
const PAGE: usize = 256;

/// What a feed tells its streams.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Event(Arc<Event>),
    Log(Arc<LogRecord>),
}

/// The feeds of a server by run.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    feeds: Mutex<HashMap<RunId, Weak<Feed>>>,
}

/// The reader of one run. It reads for as long as a stream holds it.
#[derive(Debug)]
pub(super) struct Feed {
    items: broadcast::Sender<Item>,
    task: JoinHandle<()>,
}

impl Feeds {
    /// Joins the feed of a run: it tells everything that is committed from now on. What was committed before, the stream
    /// reads itself; it may meet some of that here once more.
    ///
    /// # Errors
    /// As [`AnyRun::record`].
    pub(super) async fn join(
        &self,
        engine: &Engine,
        run: &AnyRun,
    ) -> Result<(Arc<Feed>, broadcast::Receiver<Item>), Error> {
        if let Some(joined) = self.joined(run.id()) {
            return Ok(joined);
        }
        let newest = run.log_history(&LogFilter::new().newest_first()).limit(1).await?;
        let log = newest.first().map_or(0, |line| line.id);
        let start = Position { event: run.record().await?.last_sequence, log };
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.retain(|_, feed| feed.strong_count() > 0);
        if let Some(feed) = feeds.get(&run.id()).and_then(Weak::upgrade).filter(|feed| feed.is_alive()) {
            let receiver = feed.items.subscribe();
            return Ok((feed, receiver));
        }
        let (items, receiver) = broadcast::channel(BACKLOG);
        let task = tokio::spawn(read(engine.clone(), run.id(), start, items.clone()));
        let feed = Arc::new(Feed { items, task });
        feeds.insert(run.id(), Arc::downgrade(&feed));
        Ok((feed, receiver))
    }

    fn joined(&self, run_id: RunId) -> Option<(Arc<Feed>, broadcast::Receiver<Item>)> {
        let feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        let feed = feeds.get(&run_id)?.upgrade().filter(|feed| feed.is_alive())?;
        let receiver = feed.items.subscribe();
        Some((feed, receiver))
    }
}

impl Feed {
    /// Whether it still reads: it ends when the store fails.
    pub(super) fn is_alive(&self) -> bool {
        !self.task.is_finished()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads what is committed after `position`, whenever the run has changed. It ends when the store fails; the streams end
/// with it, and their clients come back.
async fn read(engine: Engine, run_id: RunId, mut position: Position, items: broadcast::Sender<Item>) {
    let store = engine.kernel().store();
    let mut watch = store.hints().watch_run(run_id);
    let mut pace = Pace::default();
    loop {
        pace.wait().await;
        loop {
            let read = tokio::try_join!(
                store.events(run_id, position.event, PAGE),
                store.logs(run_id, position.log, PAGE)
            );
            let (events, lines) = match read {
                Ok(read) => read,
                Err(error) => {
                    tracing::warn!(target: "workflow_engine::server", run = %run_id, %error, "a live stream cannot read its run");
                    return;
                }
            };
            let is_last = events.len() < PAGE && lines.len() < PAGE;
            for event in events {
                position.event = event.sequence;
                // It fails without a stream, which is no loss.
                let _ = items.send(Item::Event(Arc::new(event)));
            }
            for line in lines {
                position.log = line.id;
                let _ = items.send(Item::Log(Arc::new(line)));
            }
            if is_last {
                break;
            }
        }
        watch.changed().await;
    }
}

/// Lets reads through: each at least [`GAP`] after the one before, and on average one in [`PACE`].
#[derive(Default)]
struct Pace {
    last: Option<Instant>,
    /// When the reads so far would end if each of them took as long as the pace.
    busy_until: Option<Instant>,
}

impl Pace {
    async fn wait(&mut self) {
        if let Some(last) = self.last {
            sleep_until(last + GAP).await;
        }
        if let Some(earliest) = self.busy_until.and_then(|end| end.checked_sub(PACE * (BURST - 1))) {
            sleep_until(earliest).await;
        }
        let now = Instant::now();
        self.last = Some(now);
        self.busy_until = Some(self.busy_until.map_or(now, |end| end.max(now)) + PACE);
    }
}
