//! The end of a value that is nested too deeply.

use std::mem::ManuallyDrop;
use std::thread;

/// Room for hundreds of thousands of levels. The system gives memory only to the part that is used.
const STACK_BYTES: usize = 512 * 1024 * 1024;

/// Drops a value that is nested too deeply, on a thread with a large stack: dropping is as recursive as the value, and
/// would overflow the stack of a worker's thread, which ends the process.
pub(crate) fn deep_drop<T: Send + 'static>(value: T) {
    // Not dropped with the closure if there is no thread: a leak is better than the end of the process.
    let value = ManuallyDrop::new(value);
    let dropping = thread::Builder::new().name("workflow-drop".to_owned()).stack_size(STACK_BYTES);
    if let Err(error) = dropping.spawn(move || drop(ManuallyDrop::into_inner(value))) {
        tracing::warn!(%error, "a value that is nested too deeply was not freed: there is no thread to do it");
    }
}
