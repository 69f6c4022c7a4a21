//! Protects a released definition: a test that says what an edit would do to runs in flight.

mod lock;
mod compare;
mod stages;
mod edges;
mod schemas;
mod shape;
mod report;

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::stage::Workflow;
use lock::Lock;

/// Set to anything but nothing, it makes [`assert_compatible`] write the lock file instead of comparing with it.
const UPDATE: &str = "WORKFLOW_ENGINE_UPDATE_LOCK";

/// Fails the test unless runs of `W` that are in flight can be continued by this build.
///
/// A run keeps the definition that it was created with: only a worker with the same
/// [fingerprint](crate::definition::WorkflowDefinition::fingerprint) continues it. So an edit that looks harmless can leave runs
/// waiting, for a worker that nobody starts any more. This compares the definition with the one in `lock_file`, which
/// is committed beside the code and holds what was released:
///
/// ```no_run
/// # use workflow_engine::prelude::*;
/// # #[stage] async fn load(path: String) -> StageResult<String> { Ok(path) }
/// # workflow! { DocumentProcessor = load }
/// // In a test of its own, `#[test] fn its_definition_is_the_released_one()`:
/// workflow_engine::testing::assert_compatible::<DocumentProcessor>("workflows/document_processor.lock.json");
/// ```
///
/// The path is relative to the crate whose test runs. With the environment variable `WORKFLOW_ENGINE_UPDATE_LOCK=1`
/// the file is written instead, and the test passes: for the first time, and after each release of a new version.
///
/// What changes no fingerprint passes: names, comments, defaults, retries, timeouts, budgets, the order of fields.
///
/// ```
/// use workflow_engine::prelude::*;
/// use workflow_engine::testing::{assert_compatible, lock_of};
///
/// #[stage]
/// async fn load(path: String) -> StageResult<String> {
///     Ok(path)
/// }
///
/// workflow! { Reading = load }
///
/// let folder = tempfile::tempdir()?;
/// let lock_file = folder.path().join("reading.lock.json");
/// std::fs::write(&lock_file, lock_of::<Reading>())?;
/// assert_compatible::<Reading>(&lock_file);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Panics
/// When the fingerprints differ. The message says what the edit does to runs in flight, stage by stage and field by
/// field: whether they only need a worker with the old definition, so that a new `version` is due, or whether it
/// *strands* them, because what they have stored does not fit the new definition. Whether it fits is judged by the
/// JSON Schemas.
///
/// And when the lock file is missing or malformed, or cannot be written.
#[track_caller]
pub fn assert_compatible<W: Workflow>(lock_file: impl AsRef<Path>) {
    let update = env::var_os(UPDATE).is_some_and(|value| !value.is_empty());
    if let Err(message) = check::<W>(lock_file.as_ref(), update) {
        panic!("{message}");
    }
}

/// What the lock file of `W` holds when it is up to date: the definition that [`assert_compatible`] compares with.
///
/// ```
/// use workflow_engine::prelude::*;
/// use workflow_engine::testing::lock_of;
///
/// #[stage]
/// async fn load(path: String) -> StageResult<String> {
///     Ok(path)
/// }
///
/// workflow! { Reading = load }
///
/// assert!(lock_of::<Reading>().contains(Reading::definition().fingerprint()));
/// ```
#[must_use]
pub fn lock_of<W: Workflow>() -> String {
    Lock::of(W::definition()).to_text()
}

fn check<W: Workflow>(lock_file: &Path, update: bool) -> Result<(), String> {
    let now = Lock::of(W::definition());
    let shown = lock_file.display().to_string();
    // Cargo sets it for every test that it runs; a test program that is called by hand stands in its folder.
    let base = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let path = base.join(lock_file);
    if update {
        return write(&path, &now.to_text()).map_err(|error| report::unwritable(&shown, &now.id, &error));
    }
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(report::missing(&shown, &now.id, &base));
        }
        Err(error) => return Err(report::unreadable(&shown, &now.id, &error.to_string())),
    };
    let locked = Lock::read(&text).map_err(|error| report::unreadable(&shown, &now.id, &error))?;
    if locked.fingerprint == now.fingerprint {
        return Ok(());
    }
    Err(report::incompatible(&shown, &locked, &now, &compare::changes(&locked, &now)))
}

/// Writes the file, and the folders above it.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
