//! Reports the end of each call to its interceptor.

use super::{Call, Interceptor};

/// Tells an interceptor that a call has ended.
pub(super) struct Ended<'a, I: Interceptor> {
    pub(super) interceptor: &'a I,
    pub(super) call: Call,
}

impl<I: Interceptor> Drop for Ended<'_, I> {
    fn drop(&mut self) {
        self.interceptor.ended(self.call);
    }
}
