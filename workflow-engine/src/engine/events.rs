//! The events of a run as a stream.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::stream::{self, BoxStream};

use super::Engine;
use crate::error::Error;
use crate::ports::RunWatch;
use crate::records::Event;
use crate::value::RunId;

/// Events of one read.
const PAGE: usize = 256;

/// A stream of the events of one run, in order and each once: the committed events, then each new one as it is committed.
/// It ends after the event that ends the run, or with an error: `RUN_NOT_FOUND` when the run does not exist, also when it is
/// purged meanwhile, or an error of the store.
pub struct Events {
    events: BoxStream<'static, Result<Event, Error>>,
}

impl Events {
    pub(super) fn new(engine: Engine, run_id: RunId, last: u64) -> Self {
        let watch = engine.kernel().store().hints().watch_run(run_id);
        let reader = Reader { engine, run_id, watch, read: VecDeque::new(), last, ended: false };
        Self { events: Box::pin(stream::unfold(reader, Reader::next)) }
    }
}

impl Stream for Events {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.as_mut().poll_next(context)
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

struct Reader {
    engine: Engine,
    run_id: RunId,
    watch: RunWatch,
    read: VecDeque<Event>,
    last: u64,
    /// Whether the run had ended before the last read, or reading failed.
    ended: bool,
}

impl Reader {
    async fn next(mut self) -> Option<(Result<Event, Error>, Self)> {
        loop {
            if let Some(event) = self.read.pop_front() {
                self.last = event.sequence;
                self.ended = event.kind.ends_run();
                return Some((Ok(event), self));
            }
            match self.engine.kernel().store().events(self.run_id, self.last, PAGE).await {
                // After its last event, a run continues only if it is rerun.
                Ok(events) if events.is_empty() && self.ended => return None,
                Ok(events) if events.is_empty() => {
                    if let Err(error) = self.wait().await {
                        return Some(self.fail(error));
                    }
                }
                Ok(events) => self.read = events.into(),
                Err(error) => return Some(self.fail(error)),
            }
        }
    }

    /// Waits for a change of the run, which must exist: a run that was purged changes no more. Returns at once if the run
    /// has ended: its last commit may have added events since the last read.
    async fn wait(&mut self) -> Result<(), Error> {
        let run = self.engine.kernel().store().run(self.run_id).await?;
        self.ended = run.ok_or_else(|| Error::run_not_found(self.run_id))?.status.is_terminal();
        if self.ended { Ok(()) } else { self.engine.changed(&mut self.watch).await }
    }

    fn fail(mut self, error: Error) -> (Result<Event, Error>, Self) {
        self.ended = true;
        (Err(self.engine.unless_closed(error)), self)
    }
}
