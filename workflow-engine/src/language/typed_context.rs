//! The methods of a context that names its stage.

use std::sync::Arc;

use serde::Serialize;

use super::require::{Optionally, Requires};
use super::stage_trait::Stage;
use crate::context::{GivenArtifact, StageArtifacts, StageContext, StageStorage};
use crate::value::Json;

impl<S> StageContext<S> {
    /// Returns the output of a stage that this stage declares with `#[stage(require(…))]`.
    ///
    /// It cannot fail in a run: the engine decodes every required output before the function starts.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage]
    /// async fn price(order: u32) -> StageResult<f64> {
    ///     Ok(f64::from(order) * 1.5)
    /// }
    ///
    /// #[stage(require(price))]
    /// async fn invoice(ctx: &StageContext<invoice>) -> StageResult<String> {
    ///     Ok(format!("{:.2}", ctx.require::<price>()))
    /// }
    /// ```
    ///
    /// # Panics
    /// In a context of a unit test that has no output of `R`.
    #[must_use]
    #[track_caller]
    pub fn require<R: Stage>(&self) -> &R::Output
    where
        S: Requires<R>,
    {
        match self.shared(R::DECLARATION.id) {
            Some(Ok(output)) => output,
            // `prepare` has decoded it before the function started; only a unit test can get here.
            Some(Err(_)) | None => panic!("this context has no output of stage `{}`", R::DECLARATION.id),
        }
    }

    /// Returns the output of a stage that this stage declares with `#[stage(optional(…))]`, or `None` if the workflow does
    /// not contain that stage.
    #[must_use]
    pub fn optional<R: Stage>(&self) -> Option<&R::Output>
    where
        S: Optionally<R>,
    {
        self.shared(R::DECLARATION.id)?.ok()
    }
}

impl<S: Stage> StageContext<S> {
    /// Makes a context without an engine, like [`StageContext::detached`], for a stage that reads other stages through its
    /// context.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage]
    /// async fn price(order: u32) -> StageResult<u32> {
    ///     Ok(order * 3)
    /// }
    ///
    /// #[stage(require(price))]
    /// async fn invoice(ctx: &StageContext<invoice>) -> StageResult<String> {
    ///     Ok(format!("{} EUR", ctx.require::<price>()))
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), StageError> {
    /// let ctx = StageContext::<invoice>::for_test().with_output::<price>(&21);
    /// assert_eq!(invoice(&ctx).await?, "21 EUR");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn for_test() -> Self {
        let context = StageContext::detached().for_stage::<S>();
        context.changed(|parts| {
            parts.scope.stage_key = S::DECLARATION.id.into();
            parts.scope.stage_name = S::DECLARATION.name;
        })
    }

    /// Returns the context with an output of the stage `R`, as if `R` had run before.
    ///
    /// # Panics
    /// If the output cannot be written as JSON.
    #[must_use]
    pub fn with_output<R: Stage>(self, output: &R::Output) -> Self {
        let id = R::DECLARATION.id;
        let json = match Json::store(output) {
            Ok(json) => json,
            Err(error) => panic!("the output of stage `{id}` cannot be stored: {error}"),
        };
        self.changed(|parts| drop(parts.outputs.insert(id.to_owned(), json)))
    }

    /// Returns the context with an artifact of the stage `R`, as if `R` had stored it.
    ///
    /// # Panics
    /// If the value cannot be written as JSON.
    #[must_use]
    pub fn with_artifact<R: Stage>(self, key: &str, value: &impl Serialize) -> Self {
        let stage_id = R::DECLARATION.id;
        let value = match Json::encode(value) {
            Ok(json) => json,
            Err(error) => panic!("artifact `{key}` of stage `{stage_id}` cannot be stored: {error}"),
        };
        self.changed(|parts| {
            let others = Arc::clone(&parts.services.artifacts);
            let artifact = GivenArtifact { stage_key: stage_id.into(), key: key.to_owned(), value, others };
            parts.services.artifacts = Arc::new(artifact);
        })
    }
}

impl<'a> StageStorage<'a> {
    /// Returns the artifacts of the stage `R`, which runs before this one.
    #[must_use]
    pub fn of<R: Stage>(&self) -> StageArtifacts<'a> {
        self.of_stage(R::DECLARATION.id)
    }
}
