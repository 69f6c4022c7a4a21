//! The values that the program gives to its stages.

use std::any::{TypeId, type_name};
use std::error::Error as StdError;

use futures_util::future::BoxFuture;

use super::EngineBuilder;
use crate::context::Extensions;
use crate::error::Error;

/// The values that a builder has received, and the functions that make others.
#[derive(Default)]
pub(super) struct BuilderState {
    values: Extensions,
    pending: Vec<PendingState>,
    /// The first type with a second value.
    duplicate: Option<&'static str>,
}

/// A value that is made while the engine is built.
struct PendingState {
    id: TypeId,
    type_name: &'static str,
    make: Box<dyn FnOnce() -> BoxFuture<'static, Result<Insert, Failure>> + Send>,
}

/// Inserts the value, whose type only this function knows.
type Insert = Box<dyn FnOnce(&mut Extensions) + Send>;
type Failure = Box<dyn StdError + Send + Sync>;

impl BuilderState {
    fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.note::<T>();
        self.values.insert(value);
    }

    fn note<T: 'static>(&mut self) {
        if self.contains(TypeId::of::<T>()) {
            self.duplicate.get_or_insert(type_name::<T>());
        }
    }

    /// Takes values that another engine has, too.
    #[cfg(feature = "testing")]
    pub(super) fn share(&mut self, values: Extensions) {
        self.values = values;
    }

    /// Returns whether there is a value of this type, or will be one.
    pub(super) fn contains(&self, id: TypeId) -> bool {
        self.values.contains(id) || self.pending.iter().any(|pending| pending.id == id)
    }

    /// The names of the types, in order.
    pub(super) fn type_names(&self) -> Vec<&'static str> {
        let mut names = self.values.type_names();
        names.extend(self.pending.iter().map(|pending| pending.type_name));
        names.sort_unstable();
        names
    }

    /// Checks that there is one value of each type.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.duplicate.map_or(Ok(()), |type_name| Err(Error::duplicate_state(type_name)))
    }

    /// Makes the values that are still to be made, one after the other.
    pub(super) async fn complete(self) -> Result<Extensions, Error> {
        let Self { mut values, pending, .. } = self;
        for PendingState { type_name, make, .. } in pending {
            let insert = make().await.map_err(|source| Error::state_failed(type_name, source))?;
            insert(&mut values);
        }
        Ok(values)
    }
}

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
        self.state.note::<T>();
        self.state.pending.push(PendingState {
            id: TypeId::of::<T>(),
            type_name: type_name::<T>(),
            make: Box::new(move || {
                Box::pin(async move {
                    let value = make().await.map_err(Into::into)?;
                    Ok(Box::new(move |values: &mut Extensions| values.insert(value)) as Insert)
                })
            }),
        });
        self
    }

    /// Gives the stages the values of another engine.
    #[cfg(feature = "testing")]
    pub(crate) fn share_state(mut self, values: Extensions) -> Self {
        self.state.share(values);
        self
    }
}
