//! A store whose process dies, whose answers are lost, or that somebody else overtakes.

use std::sync::Mutex;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tests::intercept::{Call, Interceptor};
use workflow_engine::Error;
use workflow_engine::testing::{broken, unavailable};

use super::lock;
use crate::step::{Fault, Moment};

/// What goes wrong with one process.
#[derive(Default)]
pub struct Faults {
    state: Mutex<State>,
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

    /// Runs before the next write.
    pub fn race(&self, race: BoxFuture<'static, ()>) {
        lock(&self.state).race = Some(race);
    }

    /// The step is over; answers the race that nothing has begun.
    pub fn forget(&self) -> Option<BoxFuture<'static, ()>> {
        let mut state = lock(&self.state);
        state.planned = None;
        state.race.take()
    }

    pub fn is_dead(&self) -> bool {
        lock(&self.state).dead
    }

    fn strike(&self, number: usize, at: Moment, doing: &str) -> Result<(), Error> {
        let mut state = lock(&self.state);
        match state.planned {
            _ if state.dead => Err(broken(doing)),
            // Writes that were asked for at the same time: of those after the deadly one, nothing is written.
            Some((write, _, Fault::Crash)) if number > write => Err(broken(doing)),
            Some((write, moment, fault)) if write == number && moment == at => match fault {
                Fault::Crash => {
                    state.dead = true;
                    Err(broken(doing))
                }
                Fault::Away => Err(unavailable(doing)),
            },
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Interceptor for Faults {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        if !call.writes {
            return if self.is_dead() { Err(broken(call.method)) } else { Ok(0) };
        }
        let (number, race) = {
            let mut state = lock(&self.state);
            state.writes += 1;
            (state.writes - 1, state.race.take())
        };
        if let Some(race) = race {
            race.await;
        }
        self.strike(number, Moment::Before, call.method)?;
        Ok(number as u64)
    }

    async fn after(&self, call: Call, number: u64) -> Result<(), Error> {
        if call.writes {
            let number = usize::try_from(number).expect("it was one");
            self.strike(number, Moment::After, call.method)?;
        }
        Ok(())
    }
}
