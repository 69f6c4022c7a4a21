//! Giving values of the program to the stages.

use std::error::Error as StdError;

use super::EngineBuilder;
#[cfg(feature = "testing")]
use crate::context::Extensions;

impl EngineBuilder {
    /// Gives a value to the stages: a pool of connections, a client, settings of the program. A stage or a check takes it as a
    /// parameter, `#[state] pool: &PgPool`, or by value if the type is `Clone`.
    ///
    /// A stage finds the value by its type, so there is one value of each type. For a second one, write a type of its own:
    /// `struct Replica(PgPool)`. The value lives until the engine ends.
    ///
    /// [`build`](Self::build) checks that the stages of all registered workflows have their values, and
    /// [`Engine::serverless`](crate::Engine::serverless) does so for an engine without a worker. An engine that only creates
    /// and watches runs needs none.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use workflow_engine::prelude::*;
    ///
    /// #[derive(Default)]
    /// struct Counter(AtomicU32);
    ///
    /// #[stage]
    /// async fn number(name: String, #[state] counter: &Counter) -> StageResult<String> {
    ///     Ok(format!("{name} {}", counter.0.fetch_add(1, Ordering::Relaxed)))
    /// }
    ///
    /// workflow! { Numbering = number }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// // A unit test passes the value.
    /// assert_eq!(number("A".into(), &Counter::default()).await.unwrap(), "A 0");
    ///
    /// let engine = Engine::builder("memory:").register::<Numbering>().state(Counter::default()).build().await?;
    /// let run = engine.start::<Numbering>(NumberingInput { name: "B".into() }).await?;
    /// assert_eq!(run.output().await?, "B 0");
    ///
    /// let error = Engine::builder("memory:").register::<Numbering>().build().await.unwrap_err();
    /// assert_eq!(error.code().as_str(), "MISSING_STATE");
    /// # Ok(())
    /// # }
    /// ```
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.state.insert(value);
        self
    }

    /// Gives the stages a value that is made while the engine is built, after the store is open and before the worker starts.
    /// If the function fails, [`build`](Self::build) returns `STATE_FAILED` with its error as the source. Several functions
    /// run one after the other, in the order in which they are written.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// struct Rates {
    ///     eur: f64,
    /// }
    ///
    /// async fn load_rates() -> Result<Rates, std::io::Error> {
    ///     Ok(Rates { eur: 0.5 })
    /// }
    ///
    /// #[stage]
    /// async fn convert(usd: f64, #[state] rates: &Rates) -> StageResult<f64> {
    ///     Ok(usd * rates.eur)
    /// }
    ///
    /// workflow! { Conversion = convert }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<Conversion>().state_with(load_rates).build().await?;
    /// let run = engine.start::<Conversion>(ConversionInput { usd: 3.0 }).await?;
    /// assert_eq!(run.output().await?, 1.5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn state_with<T, E, F, Fut>(mut self, make: F) -> Self
    where
        T: Send + Sync + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.state.insert_with(make);
        self
    }

    /// Gives the stages the values of another engine.
    #[cfg(feature = "testing")]
    pub(crate) fn share_state(mut self, values: Extensions) -> Self {
        self.state.share(values);
        self
    }
}
