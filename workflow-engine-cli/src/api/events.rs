//! The events of a run, to its end.

#![allow(clippy::disallowed_methods, reason = "it waits in real time before it connects again")]

use std::time::Duration;

use workflow_engine::records::Event;
use workflow_engine::{Json, RunId};

use crate::client::{Call, Client, Lines};
use crate::failure::{Exit, Failure};

/// How often a lost connection is made again without an event in between.
const TRIES: u32 = 5;

/// The time between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// The events of a run. After a lost connection they continue behind the last one.
pub struct Events {
    client: Client,
    run_id: RunId,
    last: u64,
    lines: Option<Lines>,
    failures: u32,
}

impl Events {
    pub(super) fn new(client: Client, run_id: RunId, after: u64) -> Self {
        Self { client, run_id, last: after, lines: None, failures: 0 }
    }

    /// Returns the next event, as it is and read; `None` after the end of the run.
    ///
    /// # Errors
    /// When the run does not exist, or the API cannot be reached.
    pub async fn next(&mut self) -> Result<Option<(Json, Event)>, Failure> {
        loop {
            match self.read().await {
                Ok(event) => {
                    self.failures = 0;
                    return Ok(event);
                }
                Err(failure) if failure.exit() == Exit::Unavailable && self.failures < TRIES => {
                    self.failures += 1;
                    self.lines = None;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn read(&mut self) -> Result<Option<(Json, Event)>, Failure> {
        let mut lines = if let Some(lines) = self.lines.take() {
            lines
        } else {
            let call = Call::get(format!("/runs/{}/events", self.run_id));
            self.client.lines(call.query("follow", true).query("after_sequence", self.last)).await?
        };
        let Some(json) = lines.next().await? else { return Ok(None) };
        let event: Event = json.decode()?;
        self.last = event.sequence;
        self.lines = Some(lines);
        Ok(Some((json, event)))
    }
}
