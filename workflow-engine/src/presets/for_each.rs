//! Working through many items as a [`ConcurrencyConfig`] says.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::Mutex;

use super::ConcurrencyConfig;
use crate::context::{StageContext, StageError, StageResult};

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl<S> StageContext<S> {
    /// Works through items, `config.concurrency` of them at the same time, and answers what became of them, in their
    /// order. The first that fails for good ends it, and what was under way is dropped.
    ///
    /// `config.delay_ms` pass between the starts of two items. One that fails is tried again `config.max_retries` times:
    /// after 1 s, 2 s, 4 s, … up to a minute, or after what its error asks for. An error that is permanent, or asks for
    /// more than a minute, is not waited for here: it is the stage's own, whose retries are durable. What has been done
    /// by then is done again, so items are for work that may be.
    ///
    /// # Errors
    /// That of the first item that has failed for good.
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
        // Whether an item has begun. Whoever begins holds it for as long as the next one has to wait.
        let gate = Mutex::new(false);
        let (gate, work) = (&gate, &work);
        let items: Vec<I> = items.into_iter().collect();
        let tried = items.into_iter().enumerate().map(|(place, item)| async move {
            if !delay.is_zero() {
                let mut has_begun = gate.lock().await;
                if *has_begun {
                    self.pause(delay).await;
                }
                *has_begun = true;
            }
            let value = self.with_retries(config.max_retries, || work(item.clone())).await?;
            Ok::<_, StageError>((place, value))
        });
        // Not in their order, so that an item which fails need not wait for one before it.
        let done = stream::iter(tried).buffer_unordered(config.concurrency.max(1));
        let mut done: Vec<(usize, T)> = done.try_collect().await?;
        done.sort_unstable_by_key(|(place, _)| *place);
        Ok(done.into_iter().map(|(_, value)| value).collect())
    }

    async fn with_retries<T, Fut: Future<Output = StageResult<T>>>(
        &self,
        retries: u32,
        work: impl Fn() -> Fut,
    ) -> StageResult<T> {
        let mut wait = FIRST_WAIT;
        for _ in 0..retries {
            match work().await {
                Err(error) if worth_waiting(&error) => self.pause(error.delay().unwrap_or(wait)).await,
                end => return end,
            }
            wait = wait.saturating_mul(2).min(LONGEST_WAIT);
        }
        work().await
    }
}

fn worth_waiting(error: &StageError) -> bool {
    error.is_retryable() && error.delay().is_none_or(|delay| delay <= LONGEST_WAIT)
}
