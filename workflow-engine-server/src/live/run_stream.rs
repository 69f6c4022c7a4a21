//! The stream of one run: its events and log lines, each once, from a position on.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::{Receiver, error::TryRecvError};
use tokio::time::timeout;
use workflow_engine::records::{Event, LogRecord};
use workflow_engine::{AnyRun, Error};

use super::feed::{Feed, Item};
use super::frame::{COMMENT, frame};
use super::{Position, SILENCE, Source};
use crate::app::App;
use crate::authorize::Caller;
use crate::problem::Problem;
use crate::view::{visible_event, visible_log};

/// Items of one read of what was committed before.
const PAGE: usize = 256;
/// The longest text that is collected before it is sent.
const MAX_TEXT: usize = 64 * 1024;

/// What a stream tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Topics {
    pub(crate) events: bool,
    pub(crate) logs: bool,
}

/// The stream of one run.
pub(crate) struct RunStream {
    app: App,
    caller: Caller,
    run: AnyRun,
    topics: Topics,
    position: Position,
    /// Whether everything that was committed before the stream joined the feed has been sent.
    is_current: bool,
    items: Receiver<Item>,
    feed: Arc<Feed>,
    _place: OwnedSemaphorePermit,
}

impl RunStream {
    pub(crate) async fn new(
        app: &App,
        caller: Caller,
        run: AnyRun,
        topics: Topics,
        position: Position,
        place: OwnedSemaphorePermit,
    ) -> Result<Self, Error> {
        let (feed, items) = app.feeds.join(&app.engine, &run).await?;
        let (app, is_current) = (app.clone(), false);
        Ok(Self { app, caller, run, topics, position, is_current, items, feed, _place: place })
    }

    /// Reads the next part of what was committed before.
    async fn history(&mut self) -> Result<String, Error> {
        let store = self.app.engine.kernel().store().clone();
        let mut text = String::new();
        if self.topics.events {
            for event in store.events(self.run.id(), self.position.event, PAGE).await? {
                self.tell(&mut text, &Item::Event(Arc::new(event)));
            }
        }
        if self.topics.logs {
            for line in store.logs(self.run.id(), self.position.log, PAGE).await? {
                self.tell(&mut text, &Item::Log(Arc::new(line)));
            }
        }
        Ok(text)
    }

    /// Writes an item that the client does not have.
    fn tell(&mut self, text: &mut String, item: &Item) {
        match item {
            Item::Event(event) if self.topics.events && event.sequence > self.position.event => {
                self.position.event = event.sequence;
                let event = visible_event(&self.app, &self.caller, Event::clone(event));
                frame(text, Some(&self.position.to_string()), "event", &event);
            }
            Item::Log(line) if self.topics.logs && line.id > self.position.log => {
                self.position.log = line.id;
                let line = visible_log(&self.app, LogRecord::clone(line));
                frame(text, Some(&self.position.to_string()), "log", &line);
            }
            _ => {}
        }
    }

    /// Waits for what is committed from now on.
    async fn news(&mut self) -> Option<String> {
        let mut text = String::new();
        while text.is_empty() {
            match timeout(SILENCE, self.items.recv()).await {
                Ok(Ok(item)) => self.tell(&mut text, &item),
                Err(_) if self.feed.is_alive() => return Some(COMMENT.to_owned()),
                // The client is too far behind, or the feed has ended: the client comes back.
                Ok(Err(_)) | Err(_) => return None,
            }
        }
        while text.len() < MAX_TEXT {
            match self.items.try_recv() {
                Ok(item) => self.tell(&mut text, &item),
                Err(TryRecvError::Lagged(_)) => return None,
                // After the end of the feed, the next call ends the stream.
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        Some(text)
    }
}

impl Source for RunStream {
    async fn next(&mut self) -> Option<String> {
        if !self.is_current {
            match self.history().await {
                Ok(text) if text.is_empty() => self.is_current = true,
                Ok(text) => return Some(text),
                Err(error) => {
                    // It is logged there; the client comes back.
                    drop(Problem::from(error));
                    return None;
                }
            }
        }
        self.news().await
    }
}
