//! Files that are changed, writers that die, and keys that try to leave the folder.

use std::fs::{self, File, FileTimes};
use std::time::SystemTime;

use super::*;

fn key(text: &str) -> BlobKey {
    BlobKey(text.to_owned())
}

fn json(text: &str) -> Json {
    Json::encode(text).unwrap()
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[tokio::test]
async fn a_blob_is_written_read_replaced_listed_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileBlobStore::open(folder.path().join("deep/blobs")).await.unwrap();
    assert!(store.get(&key("run-1/a/1/1")).await.unwrap().is_none());
    for name in ["run-1/a/1/1", "run-1/b/1/1", "run-1/b/2/1", "run-10/a/1/1"] {
        store.put(&key(name), &json(name)).await.unwrap();
    }
    store.put(&key("run-1/a/1/1"), &json("again \u{0} größer")).await.unwrap();
    assert_eq!(store.get(&key("run-1/a/1/1")).await.unwrap(), Some(json("again \u{0} größer")));
    assert!(store.has(&key("run-1/b/2/1")).await.unwrap());
    assert!(!store.has(&key("run-1/b/3/1")).await.unwrap());
    assert_eq!(store.list("run-1/b").await.unwrap(), [key("run-1/b/1/1"), key("run-1/b/2/1")]);
    assert_eq!(store.list("").await.unwrap().len(), 4);
    assert!(store.list("run-2").await.unwrap().is_empty());

    for key in store.list("run-1").await.unwrap() {
        store.delete(&key).await.unwrap();
    }
    store.delete(&key("run-1/a/1/1")).await.unwrap();
    assert_eq!(store.list("").await.unwrap(), [key("run-10/a/1/1")]);
    assert!(!folder.path().join("deep/blobs/run-1").exists(), "an empty folder is removed");
}

#[tokio::test]
async fn trap_17_a_prefix_is_whole_segments() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileBlobStore::open(folder.path()).await.unwrap();
    for name in ["run-1/a", "run-10/a", "run-1", "run"] {
        store.put(&key(name), &json(name)).await.unwrap();
    }
    assert_eq!(store.list("run-1").await.unwrap(), [key("run-1"), key("run-1/a")]);
    assert_eq!(store.list("run").await.unwrap(), [key("run")]);
}

#[tokio::test]
async fn a_changed_or_exchanged_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileBlobStore::open(folder.path()).await.unwrap();
    store.put(&key("run/a"), &json("the truth")).await.unwrap();
    store.put(&key("run/b"), &json("another truth")).await.unwrap();
    let (a, b) = (folder.path().join("run/a.blob"), folder.path().join("run/b.blob"));
    let truth = fs::read(&a).unwrap();
    let damages = [
        String::from_utf8(truth.clone()).unwrap().replace("truth", "Truth").into_bytes(),
        truth[..truth.len() - 1].to_vec(),
        truth[1..].to_vec(),
        Vec::new(),
        vec![0xff; 100],
        // Complete, but under another key.
        fs::read(&b).unwrap(),
    ];
    for damage in damages {
        fs::write(&a, &damage).unwrap();
        let error = store.get(&key("run/a")).await.unwrap_err();
        assert_eq!(error.code(), "BLOB_DAMAGED", "{damage:?}");
    }
    fs::write(&a, truth).unwrap();
    assert_eq!(store.get(&key("run/a")).await.unwrap(), Some(json("the truth")));
}

/// A writer that dies before it renames its temporary file leaves no visible blob.
#[tokio::test]
async fn unfinished_files_are_invisible_and_removed_later() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileBlobStore::open(folder.path()).await.unwrap();
    let unfinished = folder.path().join(UNFINISHED);
    for name in ["old", "new.blob"] {
        fs::write(unfinished.join(name), "half a blo").unwrap();
    }
    assert!(store.list("").await.unwrap().is_empty());
    assert!(store.list(UNFINISHED).await.unwrap().is_empty());
    assert!(store.get(&key("unfinished.tmp/new")).await.unwrap().is_none());

    let old = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH);
    File::options().write(true).open(unfinished.join("old")).unwrap().set_times(old).unwrap();
    let again = FileBlobStore::open(folder.path()).await.unwrap();
    assert!(!unfinished.join("old").exists());
    assert!(unfinished.join("new.blob").exists(), "its writer may still run");
    again.put(&key("run/a"), &json("whole")).await.unwrap();
    assert_eq!(files(folder.path()).len(), 2, "no other file is left");
}

#[tokio::test]
async fn no_key_leads_out_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("blobs");
    let store = FileBlobStore::open(&inside).await.unwrap();
    for name in ["../outside", "a/../../outside", "..", "unfinished.tmp/x", "con", "a\\..\\b", "nul\u{0}"] {
        store.put(&key(name), &json(name)).await.unwrap();
        assert_eq!(store.get(&key(name)).await.unwrap(), Some(json(name)), "{name}");
    }
    assert_eq!(store.list("").await.unwrap().len(), 7);
    assert_eq!(files(folder.path()).len(), 7);
    assert!(files(folder.path()).iter().all(|path| path.starts_with(&inside)));
    for name in ["/etc/passwd", "", "a//b"] {
        assert_eq!(store.put(&key(name), &json(name)).await.unwrap_err().code(), "INVALID_BLOB_KEY");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writes_and_deletes_in_one_folder_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileBlobStore::open(folder.path()).await.unwrap();
    let tasks = (0..8).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let key = key(&format!("run/stage/{number}"));
            for _ in 0..20 {
                store.put(&key, &json("here")).await.unwrap();
                assert_eq!(store.get(&key).await.unwrap(), Some(json("here")));
                store.delete(&key).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert!(files(folder.path()).is_empty());
}
