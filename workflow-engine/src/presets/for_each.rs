//! Concurrent work on many items, with retries.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::Mutex;

use super::ConcurrencyConfig;
use crate::context::{StageContext, StageError, StageResult};

const FIRST_DELAY: Duration = Duration::from_secs(1);
const MAX_DELAY: Duration = Duration::from_secs(60);

impl<S> StageContext<S> {
    /// Processes items, `config.concurrency` of them at the same time, and returns the results in the order of the items.
    /// The first item that fails finally ends the whole call, and the items in progress are dropped.
    ///
    /// The starts of two items are `config.delay_ms` apart. A failed item is retried `config.max_retries` times, after
    /// 1 s, 2 s, 4 s, … up to a minute, or after the delay that its error requests. An error that is permanent, or that
    /// requests more than a minute, is not retried here. It becomes the error of the stage, whose retries are durable.
    ///
    /// A retried stage processes all items again, so `work` must be idempotent.
    ///
    /// # Errors
    /// The error of the first item that fails finally.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::presets::ConcurrencyConfig;
    ///
    /// #[stage]
    /// async fn lengths(
    ///     pages: Vec<String>,
    ///     #[config(flatten)] speed: ConcurrencyConfig,
    ///     ctx: &StageContext,
    /// ) -> StageResult<Vec<usize>> {
    ///     ctx.for_each_concurrent(pages, &speed, async |page| Ok(page.len())).await
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), StageError> {
    /// let ctx = StageContext::detached();
    /// let pages = vec!["a".to_owned(), "bcd".to_owned()];
    /// assert_eq!(lengths(pages, ConcurrencyConfig::default(), &ctx).await?, [1, 3]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn for_each_concurrent<I, T, F, Fut>(
        &self,
        items: impl IntoIterator<Item = I>,
        config: &ConcurrencyConfig,
        work: F,
    ) -> StageResult<Vec<T>>
    where
        I: Clone,
        F: Fn(I) -> Fut,
        Fut: Future<Output = StageResult<T>>,
    {
        let delay = Duration::from_millis(config.delay_ms);
        // Whether an item has started. A starting item holds the lock during the delay that separates it from the last.
        let gate = Mutex::new(false);
        let (gate, work) = (&gate, &work);
        let items: Vec<I> = items.into_iter().collect();
        let attempts = items.into_iter().enumerate().map(|(index, item)| async move {
            if !delay.is_zero() {
                let mut has_started = gate.lock().await;
                if *has_started {
                    self.pause(delay).await;
                }
                *has_started = true;
            }
            let value = self.with_retries(config.max_retries, || work(item.clone())).await?;
            Ok::<_, StageError>((index, value))
        });
        // Unordered, so that a failure is returned without waiting for earlier items.
        let results = stream::iter(attempts).buffer_unordered(config.concurrency.max(1));
        let mut results: Vec<(usize, T)> = results.try_collect().await?;
        results.sort_unstable_by_key(|(index, _)| *index);
        Ok(results.into_iter().map(|(_, value)| value).collect())
    }

    async fn with_retries<T, Fut: Future<Output = StageResult<T>>>(
        &self,
        retries: u32,
        work: impl Fn() -> Fut,
    ) -> StageResult<T> {
        let mut delay = FIRST_DELAY;
        for _ in 0..retries {
            match work().await {
                Err(error) if is_retried_here(&error) => self.pause(error.delay().unwrap_or(delay)).await,
                result => return result,
            }
            delay = delay.saturating_mul(2).min(MAX_DELAY);
        }
        work().await
    }
}

/// A delay above [`MAX_DELAY`] is left to the stage, because waiting here would hold the worker's slot.
fn is_retried_here(error: &StageError) -> bool {
    error.is_retryable() && error.delay().is_none_or(|delay| delay <= MAX_DELAY)
}
