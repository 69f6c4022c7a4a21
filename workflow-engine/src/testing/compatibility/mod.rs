//! The protection of released definitions: a test assertion that reports the effect of an edit on runs in flight.

mod lock;
mod compare;
mod change;
mod renamed;
mod stages;
mod edges;
mod arms;
mod schemas;
mod shape;
mod report;

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::language::Workflow;
use lock::Lock;

/// The environment variable that, when set and not empty, makes [`assert_compatible`] write the lock file instead of
/// comparing with it.
const UPDATE: &str = "WORKFLOW_ENGINE_UPDATE_LOCK";

/// Asserts that this build can continue the runs of `W` that are in flight.
///
/// A run keeps the definition that it was created with: only a worker with the same
/// [fingerprint](crate::definition::WorkflowDefinition::fingerprint) continues it. So an edit that looks harmless can
/// leave runs waiting for a worker that is no longer deployed. The assertion compares the definition with the released
/// one in `lock_file`, which is committed beside the code:
///
/// ```no_run
/// # use workflow_engine::prelude::*;
/// # #[stage] async fn load(path: String) -> StageResult<String> { Ok(path) }
/// # workflow! { DocumentProcessor = load }
/// // In its own test, for example `#[test] fn its_definition_is_the_released_one()`:
/// workflow_engine::testing::assert_compatible::<DocumentProcessor>("workflows/document_processor.lock.json");
/// ```
///
/// The path is relative to the root of the crate under test. With the environment variable
/// `WORKFLOW_ENGINE_UPDATE_LOCK=1`, the assertion writes the file instead, and passes. Do so once at the beginning, and
/// again with each release of a new version.
///
/// Edits that do not change the fingerprint pass: those of names, comments, defaults, retries, timeouts, budgets, and
/// the order of fields.
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
/// When the fingerprints differ. The message lists the effects on runs in flight, stage by stage and field by field:
/// either they only need a worker with the old definition, so the edit needs a new `version`, or the edit *strands*
/// them, because their stored values do not fit the new definition. The JSON Schemas decide whether values fit.
///
/// Also when the lock file is missing or malformed, or cannot be written.
#[track_caller]
pub fn assert_compatible<W: Workflow>(lock_file: impl AsRef<Path>) {
    let update = env::var_os(UPDATE).is_some_and(|value| !value.is_empty());
    if let Err(message) = check::<W>(lock_file.as_ref(), update) {
        panic!("{message}");
    }
}

/// Returns the content of an up-to-date lock file of `W`, which [`assert_compatible`] compares with.
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
    // Cargo sets the variable for every test that it runs. A test program that is started without Cargo uses its
    // working directory.
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

/// Writes the file, and creates its parent folders.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}
