//! Blobs as files in a folder.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::path::{folder_of, key_of, path_of};
use crate::error::Error;
use crate::ports::BlobStore;
use crate::records::BlobKey;
use crate::value::Json;
use crate::value::hex::hex;

/// The folder in which files are written before they are renamed.
const UNFINISHED: &str = "unfinished.tmp";
/// The age from which an unfinished file is abandoned: its writer has ended.
const ABANDONED: Duration = Duration::from_secs(3_600);
/// Attempts to create the folder of a new file: a concurrent delete may remove the folder while it is empty.
const ATTEMPTS: u32 = 100;

/// Stores large payloads as files in a folder, which all processes that share a store must be able to access.
///
/// A file is written under a temporary name, synced and renamed, so that it exists as a whole or not at all. It begins
/// with a hash over its key and its content, which every read verifies: reading a file that was changed or moved is a
/// `BLOB_DAMAGED` error.
///
/// ```
/// use workflow_engine::blobs::FileBlobStore;
/// use workflow_engine::prelude::*;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path().join("blobs");
/// let engine = Engine::builder("memory:").blob_store(FileBlobStore::open(folder).await?).build().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FileBlobStore {
    folder: Arc<Path>,
}

impl FileBlobStore {
    /// Opens a folder, creates it if it does not exist, and removes unfinished files that are at least an hour old.
    ///
    /// # Errors
    /// `BLOB_STORE_FAILED` when the folder cannot be created or read.
    pub async fn open(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        let store = Self { folder: Arc::from(folder.into()) };
        store.work("open the folder of blobs", sweep).await?;
        Ok(store)
    }

    /// Runs blocking work on the runtime's blocking threads.
    async fn work<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let folder = Arc::clone(&self.folder);
        match tokio::task::spawn_blocking(move || work(&folder)).await {
            Ok(done) => done.map_err(|error| Error::blob_store(doing, error)),
            Err(gone) => Err(Error::blob_store(doing, gone)),
        }
    }
}

#[async_trait]
impl BlobStore for FileBlobStore {
    async fn put(&self, key: &BlobKey, value: &Json) -> Result<(), Error> {
        let (path, key, value) = (path_of(key)?, key.clone(), value.clone());
        self.work("write a blob", move |folder| write(folder, &path, &key, value.as_str())).await
    }

    async fn get(&self, key: &BlobKey) -> Result<Option<Json>, Error> {
        let path = path_of(key)?;
        let read = move |folder: &Path| if_exists(fs::read(folder.join(path)));
        let Some(stored) = self.work("read a blob", read).await? else { return Ok(None) };
        let damaged = || Error::blob_damaged(&key.0);
        let stored = String::from_utf8(stored).map_err(|_| damaged())?;
        let (hash, value) = stored.split_once('\n').ok_or_else(damaged)?;
        if hash != hash_of(key, value) {
            return Err(damaged());
        }
        Ok(Some(Json::trusted(value)))
    }

    async fn has(&self, key: &BlobKey) -> Result<bool, Error> {
        let path = path_of(key)?;
        self.work("check for a blob", move |folder| fs::exists(folder.join(path))).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), Error> {
        let path = path_of(key)?;
        self.work("delete a blob", move |folder| delete(folder, &path)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<BlobKey>, Error> {
        let prefix = folder_of(prefix);
        let list = move |folder: &Path| {
            let mut keys = Vec::new();
            visit(folder, &prefix, &mut keys)?;
            // The prefix may be a whole key.
            let own = prefix.with_extension(super::path::EXTENSION);
            if !prefix.as_os_str().is_empty() && fs::exists(folder.join(&own))? {
                keys.extend(key_of(&own));
            }
            keys.sort();
            Ok(keys)
        };
        self.work("list blobs", list).await
    }
}

fn hash_of(key: &BlobKey, value: &str) -> String {
    let hash = Sha256::new().chain_update(&key.0).chain_update("\n").chain_update(value);
    hex(&hash.finalize())
}

/// Writes under a temporary name, syncs and renames. Then syncs the folders: without that, a power failure may lose the
/// name.
fn write(folder: &Path, path: &Path, key: &BlobKey, value: &str) -> io::Result<()> {
    let unfinished = folder.join(UNFINISHED).join(uuid::Uuid::now_v7().to_string());
    let mut file = File::create_new(&unfinished)?;
    let written = file
        .write_all(hash_of(key, value).as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.write_all(value.as_bytes()))
        .and_then(|()| file.sync_all())
        .and_then(|()| name(folder, path, &unfinished));
    if written.is_err() {
        // If this fails, `sweep` removes the file later.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

fn name(folder: &Path, path: &Path, unfinished: &Path) -> io::Result<()> {
    let parents = path.parent().unwrap_or(Path::new(""));
    let mut attempts = 0;
    loop {
        attempts += 1;
        // A concurrent delete of a folder's last blob removes the folder and its parents, possibly between these calls.
        let renamed =
            fs::create_dir_all(folder.join(parents)).and_then(|()| fs::rename(unfinished, folder.join(path)));
        match renamed {
            Err(error) if error.kind() == ErrorKind::NotFound && attempts < ATTEMPTS => {}
            renamed => break renamed?,
        }
    }
    parents.ancestors().try_for_each(|parent| sync_folder(&folder.join(parent)))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder) {
        Ok(folder) => folder.sync_all(),
        // Removed by a concurrent delete of the blob.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// On other systems a folder cannot be opened as a file; a rename is as durable as the file system makes it.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

fn delete(folder: &Path, path: &Path) -> io::Result<()> {
    if_exists(fs::remove_file(folder.join(path)))?;
    for parent in path.ancestors().skip(1).take_while(|parent| !parent.as_os_str().is_empty()) {
        // Fails for a folder that is not empty, and that one stays.
        if fs::remove_dir(folder.join(parent)).is_err() {
            break;
        }
    }
    Ok(())
}

/// Adds the keys of all blobs at and below `path`.
fn visit(folder: &Path, path: &Path, keys: &mut Vec<BlobKey>) -> io::Result<()> {
    let Some(entries) = if_exists(fs::read_dir(folder.join(path)))? else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let path = path.join(entry.file_name());
        if !entry.file_type()?.is_dir() {
            keys.extend(key_of(&path));
        } else if path != Path::new(UNFINISHED) {
            visit(folder, &path, keys)?;
        }
    }
    Ok(())
}

fn sweep(folder: &Path) -> io::Result<()> {
    let unfinished = folder.join(UNFINISHED);
    fs::create_dir_all(&unfinished)?;
    for entry in fs::read_dir(unfinished)? {
        let entry = entry?;
        let age = if_exists(entry.metadata())?.map(|file| file.modified()).transpose()?;
        // Compared with the system's time, not with the engine's clock: the file system set the timestamp.
        if age.and_then(|written| written.elapsed().ok()).is_some_and(|age| age >= ABANDONED) {
            if_exists(fs::remove_file(entry.path()))?;
        }
    }
    Ok(())
}

fn if_exists<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
