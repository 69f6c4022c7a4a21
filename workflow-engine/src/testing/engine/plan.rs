//! The plan of a test for the stages of one workflow: faults, waits and stubs.

use std::marker::PhantomData;
use std::sync::Arc;

use super::faults::{Fault, Faults};
use crate::context::{StageContext, StageError, StageResult};
use crate::language::{HasStage, Stage, Workflow};
use crate::value::Json;

/// The plan of a test for the stages of the workflow `W`; [`TestEngine::plan`](super::TestEngine::plan) returns that of a
/// workflow beside the one of the test engine. Each fault happens once, in the first run that reaches it.
pub struct TestPlan<'a, W: Workflow> {
    faults: &'a Faults,
    workflow: PhantomData<fn() -> W>,
}

impl<'a, W: Workflow> TestPlan<'a, W> {
    pub(super) const fn new(faults: &'a Faults) -> Self {
        Self { faults, workflow: PhantomData }
    }

    /// Plans a failure, as [`TestEngine::fail`](super::TestEngine::fail).
    pub fn fail<S: Stage>(&mut self, attempt: u32, error: &str) -> &mut Self
    where
        W: HasStage<S>,
    {
        self.inject::<S>(attempt, Fault::Fail(error.to_owned()))
    }

    /// Plans a permanent failure, as [`TestEngine::fail_permanently`](super::TestEngine::fail_permanently).
    pub fn fail_permanently<S: Stage>(&mut self, attempt: u32, error: &str) -> &mut Self
    where
        W: HasStage<S>,
    {
        self.inject::<S>(attempt, Fault::FailPermanently(error.to_owned()))
    }

    /// Plans a crash, as [`TestEngine::crash`](super::TestEngine::crash).
    pub fn crash<S: Stage>(&mut self, attempt: u32) -> &mut Self
    where
        W: HasStage<S>,
    {
        self.inject::<S>(attempt, Fault::Crash)
    }

    /// Makes a stage wait for longer, as [`TestEngine::suspend`](super::TestEngine::suspend).
    ///
    /// # Panics
    /// When the stage has no check and so never waits.
    pub fn suspend<S: Stage>(&mut self, checks: u32) -> &mut Self
    where
        W: HasStage<S>,
    {
        let (workflow, stage) = (&W::definition().id, S::DECLARATION.id);
        assert!(
            S::DECLARATION.wait.is_some(),
            "stage `{stage}` of workflow `{workflow}` has no check, so it cannot wait; give it one, or let an attempt `fail`",
        );
        self.faults.suspend(workflow, stage, checks);
        self
    }

    /// Replaces the body of a stage by its output, as [`TestEngine::stub`](super::TestEngine::stub).
    ///
    /// # Panics
    /// When the output cannot be stored.
    #[allow(clippy::needless_pass_by_value, reason = "a test writes the output where it needs it")]
    pub fn stub<S: Stage>(&mut self, output: S::Output) -> &mut Self
    where
        W: HasStage<S>,
    {
        // An output need not be `Clone` or `Sync`, and its stored form is what later stages read.
        let id = S::DECLARATION.id;
        let stored = Json::store(&output).unwrap_or_else(|error| {
            panic!("the output of the stub of stage `{id}` cannot be stored: {error}")
        });
        self.stub_with::<S>(move |_, _| stored.load().map_err(StageError::permanent))
    }

    /// Replaces the body of a stage by an error, as [`TestEngine::stub_error`](super::TestEngine::stub_error).
    pub fn stub_error<S: Stage>(&mut self, error: StageError) -> &mut Self
    where
        W: HasStage<S>,
    {
        self.stub_with::<S>(move |_, _| Err(error.clone()))
    }

    /// Replaces the body of a stage by a function, as [`TestEngine::stub_with`](super::TestEngine::stub_with).
    pub fn stub_with<S: Stage>(
        &mut self,
        stub: impl Fn(S::Input, &StageContext) -> StageResult<S::Output> + Send + Sync + 'static,
    ) -> &mut Self
    where
        W: HasStage<S>,
    {
        self.faults.stubs().insert::<S>(Arc::new(stub));
        self
    }

    fn inject<S: Stage>(&mut self, attempt: u32, fault: Fault) -> &mut Self {
        self.faults.insert(&W::definition().id, S::DECLARATION.id, attempt, fault);
        self
    }
}
