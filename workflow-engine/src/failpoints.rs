//! Named points inside the stores at which a test makes the process fail, stop or die. Without the feature `failpoints`
//! the program does not contain them; with it and without a hook, each costs one read of a variable.

/// Marks a point. When the hook returns `true`, the enclosing function returns the failure.
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

    /// Receives the name of each point that is reached, and returns `true` to make it fail. It may block, or end the
    /// process.
    pub type Hook = fn(&'static str) -> bool;

    static HOOK: OnceLock<Hook> = OnceLock::new();

    /// Installs `hook` for every point of this process. Later calls have no effect.
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
