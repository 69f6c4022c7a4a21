//! Callers that start runs at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Outcome;

/// Calls `start` with 0, 1, 2, … below `runs` from `submitters` concurrent callers, each of which awaits only its own calls.
pub async fn submit<S, F>(runs: u64, submitters: usize, start: S) -> Outcome<()>
where
    S: Fn(u64) -> F + Clone + Send + 'static,
    F: Future<Output = Outcome<()>> + Send,
{
    let next = Arc::new(AtomicU64::new(0));
    let callers: Vec<_> = (0..submitters.max(1))
        .map(|_| {
            let (next, start) = (Arc::clone(&next), start.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= runs {
                        return Outcome::Ok(());
                    }
                    start(number).await?;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    Ok(())
}
