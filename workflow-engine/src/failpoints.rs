//! Named points inside the stores at which a test lets a process fail, stop or die. Without the feature `failpoints`
//! there is nothing of them in the program; with it, and without a hook, they cost one look at a variable.

/// A point. Where the hook says so, the function around it returns the failure.
#[cfg(all(feature = "failpoints", any(feature = "postgres", feature = "sqlite")))]
macro_rules! failpoint {
    ($name:literal, $failure:expr) => {
        if crate::failpoints::hit($name) {
            return Err($failure);
        }
    };
}

#[cfg(all(not(feature = "failpoints"), any(feature = "postgres", feature = "sqlite")))]
macro_rules! failpoint {
    ($name:literal, $failure:expr) => {};
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) use failpoint;

#[cfg(feature = "failpoints")]
mod hook {
    use std::sync::OnceLock;

    /// Is told each point that is reached; `true` makes it fail. It may block, or end the process.
    pub type Hook = fn(&'static str) -> bool;

    static HOOK: OnceLock<Hook> = OnceLock::new();

    /// Has every point of this process tell `hook` from now on. The first hook stays.
    pub fn install(hook: Hook) {
        let _ = HOOK.set(hook);
    }

    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn hit(name: &'static str) -> bool {
        HOOK.get().is_some_and(|hook| hook(name))
    }
}

#[cfg(feature = "failpoints")]
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) use hook::hit;
#[cfg(feature = "failpoints")]
pub use hook::{Hook, install};
