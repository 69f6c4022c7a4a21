//! Writes, which are atomic, and the faults around them.

use super::Reference;
use crate::step::{Fault, Moment};

/// Why a command has ended early.
#[derive(Debug)]
pub enum Stop {
    Refused(&'static str),
    Unavailable,
    Died,
}

/// The writes of a step, and the fault of one of them.
#[derive(Clone, Debug, Default)]
pub struct Writes {
    planned: Option<(usize, Moment, Fault)>,
    count: usize,
}

/// The pause before an outcome is committed again.
const PAUSE_MS: u64 = 50;

impl Writes {
    pub(super) fn plan(&mut self, write: usize, moment: Moment, fault: Fault) {
        self.planned = Some((write, moment, fault));
    }

    pub(super) fn clear(&mut self) {
        self.planned = None;
    }

    pub(super) fn begin(&mut self) {
        self.count = 0;
    }

    /// Returns how many writes the command has made.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

impl Reference {
    /// Makes one write.
    pub(super) fn write<T>(&mut self, effect: impl FnOnce(&mut Self) -> T) -> Result<T, Stop> {
        let number = self.writes.count;
        self.writes.count += 1;
        match self.writes.planned {
            Some((write, moment, fault)) if write == number => {
                if moment == Moment::After {
                    effect(self);
                }
                Err(if fault == Fault::Crash { Stop::Died } else { Stop::Unavailable })
            }
            _ => Ok(effect(self)),
        }
    }

    /// Makes one write that the store refuses, and returns why the command ends.
    pub(super) fn refused_write(&mut self, code: &'static str) -> Stop {
        let number = self.writes.count;
        self.writes.count += 1;
        match self.writes.planned {
            Some((write, Moment::Before, fault)) if write == number => {
                if fault == Fault::Crash {
                    Stop::Died
                } else {
                    Stop::Unavailable
                }
            }
            _ => Stop::Refused(code),
        }
    }

    /// Makes one write, and repeats it while the store is unavailable.
    pub(super) fn commit_with_retry<T>(
        &mut self,
        mut write: impl FnMut(&mut Self) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        loop {
            match write(self) {
                Err(Stop::Unavailable) => self.now += PAUSE_MS,
                done => return done,
            }
        }
    }
}
