//! Injects faults and races into the calls of a process to its store.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tests::intercept::{Call, Interceptor};
use workflow_engine::Error;
use workflow_engine::testing::{broken, unavailable};

use super::lock;
use crate::step::{Fault, Moment};

/// The faults of one process.
#[derive(Default)]
pub struct Faults {
    state: Mutex<State>,
    calls: AtomicUsize,
}

#[derive(Default)]
struct State {
    planned: Option<(usize, Moment, Fault)>,
    writes: usize,
    dead: bool,
    race: Option<BoxFuture<'static, ()>>,
}

impl Faults {
    pub fn plan(&self, write: usize, moment: Moment, fault: Fault) {
        let mut state = lock(&self.state);
        state.planned = Some((write, moment, fault));
        state.writes = 0;
    }

    /// Runs `race` before the next write.
    pub fn race(&self, race: BoxFuture<'static, ()>) {
        lock(&self.state).race = Some(race);
    }

    /// Ends the step; returns the race if no write has started it.
    pub fn clear(&self) -> Option<BoxFuture<'static, ()>> {
        let mut state = lock(&self.state);
        state.planned = None;
        state.race.take()
    }

    /// Returns whether the store executes a call of this process.
    pub fn is_calling(&self) -> bool {
        self.calls.load(Ordering::SeqCst) > 0
    }

    pub fn is_dead(&self) -> bool {
        lock(&self.state).dead
    }

    fn inject(&self, number: usize, at: Moment, action: &str) -> Result<(), Error> {
        let mut state = lock(&self.state);
        match state.planned {
            _ if state.dead => Err(broken(action)),
            // Of concurrent writes, those after the one that crashes write nothing.
            Some((write, _, Fault::Crash)) if number > write => Err(broken(action)),
            Some((write, moment, fault)) if write == number && moment == at => match fault {
                Fault::Crash => {
                    state.dead = true;
                    Err(broken(action))
                }
                Fault::Unavailable => Err(unavailable(action)),
            },
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Interceptor for Faults {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        if !call.writes {
            if self.is_dead() {
                return Err(broken(call.method));
            }
            self.calls.fetch_add(1, Ordering::SeqCst);
            return Ok(0);
        }
        let (number, race) = {
            let mut state = lock(&self.state);
            state.writes += 1;
            (state.writes - 1, state.race.take())
        };
        if let Some(race) = race {
            race.await;
        }
        self.inject(number, Moment::Before, call.method)?;
        self.calls.fetch_add(1, Ordering::SeqCst);
        Ok(number as u64)
    }

    async fn after(&self, call: Call, number: u64) -> Result<(), Error> {
        if call.writes {
            let number = usize::try_from(number).expect("`before` has returned a number of this type");
            self.inject(number, Moment::After, call.method)?;
        }
        Ok(())
    }

    fn ended(&self, _call: Call) {
        self.calls.fetch_sub(1, Ordering::SeqCst);
    }
}
