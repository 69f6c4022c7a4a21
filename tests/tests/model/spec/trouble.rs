//! A write is all or nothing, whoever dies around it.

use super::Reference;
use crate::step::{Fault, Moment};

/// Why a command has come to no end of its own.
#[derive(Debug)]
pub enum Stop {
    Refused(&'static str),
    Away,
    Died,
}

/// The writes of a step, and the trouble that one of them meets.
#[derive(Clone, Debug, Default)]
pub struct Writes {
    planned: Option<(usize, Moment, Fault)>,
    count: usize,
}

/// How long an outcome waits before it is offered to the store again.
const PAUSE_MS: u64 = 50;

impl Writes {
    pub(super) fn plan(&mut self, write: usize, moment: Moment, fault: Fault) {
        self.planned = Some((write, moment, fault));
    }

    pub(super) fn forget(&mut self) {
        self.planned = None;
    }

    pub(super) fn begin(&mut self) {
        self.count = 0;
    }

    /// How many writes the command has made.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

impl Reference {
    /// One write.
    pub(super) fn write<T>(&mut self, effect: impl FnOnce(&mut Self) -> T) -> Result<T, Stop> {
        let number = self.writes.count;
        self.writes.count += 1;
        match self.writes.planned {
            Some((write, moment, fault)) if write == number => {
                if moment == Moment::After {
                    effect(self);
                }
                Err(if fault == Fault::Crash { Stop::Died } else { Stop::Away })
            }
            _ => Ok(effect(self)),
        }
    }

    /// One write, again and again while the store is away.
    pub(super) fn commit_with_retry<T>(
        &mut self,
        mut write: impl FnMut(&mut Self) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        loop {
            match write(self) {
                Err(Stop::Away) => self.now += PAUSE_MS,
                done => return done,
            }
        }
    }
}
