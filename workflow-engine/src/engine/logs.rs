//! The log of a run as a stream.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::stream::{self, BoxStream};

use super::Engine;
use crate::error::Error;
use crate::ports::RunWatch;
use crate::records::LogRecord;
use crate::value::RunId;

/// Lines of one read.
const PAGE: usize = 256;

/// A stream of the log lines of one run, in order and each once: the committed lines, then each new one as it is
/// committed while its stage runs. It ends when the run is terminal, or with an error: `RUN_NOT_FOUND` when the run does not
/// exist, also when it is purged meanwhile, or an error of the store.
pub struct Logs {
    lines: BoxStream<'static, Result<LogRecord, Error>>,
}

impl Logs {
    pub(super) fn new(engine: Engine, run_id: RunId, last: u64) -> Self {
        let watch = engine.kernel().store().hints().watch_run(run_id);
        let reader =
            Reader { engine, run_id, watch, read: VecDeque::new(), last, ended: false, failed: false };
        Self { lines: Box::pin(stream::unfold(reader, Reader::next)) }
    }
}

impl Stream for Logs {
    type Item = Result<LogRecord, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.lines.as_mut().poll_next(context)
    }
}

impl std::fmt::Debug for Logs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logs").finish_non_exhaustive()
    }
}

struct Reader {
    engine: Engine,
    run_id: RunId,
    watch: RunWatch,
    read: VecDeque<LogRecord>,
    last: u64,
    /// Whether the run was terminal before the last read.
    ended: bool,
    failed: bool,
}

impl Reader {
    async fn next(mut self) -> Option<(Result<LogRecord, Error>, Self)> {
        if self.failed {
            return None;
        }
        loop {
            if let Some(line) = self.read.pop_front() {
                self.last = line.id;
                return Some((Ok(line), self));
            }
            match self.read().await {
                Ok(true) => {}
                Ok(false) if self.ended => return None,
                Ok(false) => {
                    if let Err(error) = self.wait().await {
                        return Some(self.fail(error));
                    }
                }
                Err(error) => return Some(self.fail(error)),
            }
        }
    }

    /// Reads the next lines. Returns whether there were any.
    async fn read(&mut self) -> Result<bool, Error> {
        let store = self.engine.kernel().store();
        self.read = store.logs(self.run_id, self.last, PAGE).await?.into();
        Ok(!self.read.is_empty())
    }

    /// Waits for a change of the run. Returns at once if the run is terminal: its last commit may have added lines.
    async fn wait(&mut self) -> Result<(), Error> {
        let run = self.engine.kernel().store().run(self.run_id).await?;
        self.ended = run.ok_or_else(|| Error::run_not_found(self.run_id))?.status.is_terminal();
        if self.ended { Ok(()) } else { self.engine.changed(&mut self.watch).await }
    }

    fn fail(mut self, error: Error) -> (Result<LogRecord, Error>, Self) {
        self.failed = true;
        (Err(self.engine.unless_closed(error)), self)
    }
}
