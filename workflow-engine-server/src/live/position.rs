//! The place in a run's stream.

use std::fmt;
use std::str::FromStr;

/// The last event and log line that a client has: `e5.l17`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// The sequence number of the event.
    pub(crate) event: u64,
    /// The id of the log line.
    pub(crate) log: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}.l{}", self.event, self.log)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (event, log) = text.split_once('.').ok_or(())?;
        let number = |text: &str, prefix: char| text.strip_prefix(prefix)?.parse().ok();
        Ok(Self { event: number(event, 'e').ok_or(())?, log: number(log, 'l').ok_or(())? })
    }
}
