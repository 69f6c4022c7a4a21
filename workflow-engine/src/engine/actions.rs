//! Actions on behalf of a person or a program.

use std::sync::Arc;

use super::Engine;
use super::any_run::AnyRun;
use super::list::{Cursor, List, Page};
use crate::records::{ActionRecord, Actor};

impl Engine {
    /// Returns a handle of this engine that acts on behalf of a person or a program: what it does to runs is an action,
    /// which [`Engine::actions`] lists, and a line in the log.
    ///
    /// The commit of a cancellation, a rerun, a fork, a wake, a signal or a new budget keeps the action with its run. Every
    /// command, also one that is refused, is a log line at INFO with the target `workflow_engine::audit`.
    ///
    /// ```
    /// use workflow_engine::Actor;
    /// use workflow_engine::prelude::*;
    ///
    /// # #[stage]
    /// # async fn double(number: u32) -> StageResult<u32> {
    /// #     Ok(number * 2)
    /// # }
    /// # workflow! { Doubling = double }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<Doubling>().without_worker().build().await?;
    /// let run = engine.start::<Doubling>(DoubleInput { number: 21 }).await?;
    ///
    /// let ada = Actor::new("ada").via("api");
    /// engine.by(ada.clone()).any_run(run.id()).await?.cancel("the customer has left").await?;
    /// let actions = engine.actions().await?;
    /// assert_eq!((actions[0].action.as_str(), &actions[0].by), ("cancel", &Some(ada)));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn by(&self, actor: Actor) -> Self {
        Self { actor: Some(Arc::new(actor)), ..self.clone() }
    }

    /// Lists the actions of all runs from outside, newest first: who did what, to which run, when. An action is deleted
    /// with its run. Actions that are committed while you page may be missing.
    ///
    /// # Errors
    /// The errors of [`Engine::runs`].
    pub fn actions(&self) -> List<ActionRecord> {
        const LIST: &str = "actions";

        let engine = self.clone();
        List::new(move |after: Option<Cursor>, limit| {
            let engine = engine.clone();
            async move {
                let before = after.map(|cursor| cursor.item(LIST)).transpose()?;
                let found = engine.store().list_actions(before, limit + 1).await;
                let found = found.map_err(|error| engine.unless_store_closed(error))?;
                let actions = found.into_iter().filter_map(ActionRecord::of).collect();
                Ok(Page::of(actions, limit, |action| Cursor::new(LIST, action.id)))
            }
        })
    }
}

impl AnyRun {
    /// Returns a handle of this run that acts on behalf of a person or a program: see [`Engine::by`].
    #[must_use]
    pub fn by(&self, actor: Actor) -> Self {
        Self::new(self.engine().by(actor), self.id())
    }
}
