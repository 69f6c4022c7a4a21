//! Whole messages, as printed in a terminal.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use expect_test::expect;
use workflow_engine::prelude::*;
use workflow_engine::testing::{assert_compatible, lock_of};

use super::{edited, message};

mod released {
    use super::*;

    #[stage]
    pub async fn fetch(url: String) -> StageResult<String> {
        Ok(url)
    }

    #[stage]
    pub async fn count(text: String, #[config(default = 3)] least: usize) -> StageResult<usize> {
        Ok(text.len().max(least))
    }

    workflow! { pub orders = fetch >> count }
}

/// A workflow with other names, descriptions, defaults, retries and order of declarations.
mod retouched {
    use super::*;

    /// Counts.
    #[stage(name = "Counts", timeout = "5s", retry(max_attempts = 9))]
    pub async fn count(text: String, #[config(default = 4)] least: usize) -> StageResult<usize> {
        Ok(text.len().min(least))
    }

    #[stage]
    pub async fn fetch(
        /// Where it is.
        url: String,
    ) -> StageResult<String> {
        Ok(url)
    }

    workflow! {
        /// Says something.
        pub orders = fetch >> count
    }
}

/// An edit that changes the count to a text.
mod stranding {
    use super::*;
    use released::fetch;

    #[stage]
    pub async fn count(text: String, #[config(default = 3)] least: usize) -> StageResult<String> {
        Ok(text.repeat(least))
    }

    #[stage]
    pub async fn publish(text: String) -> StageResult<String> {
        Ok(text)
    }

    workflow! {
        pub orders = fetch >> count >> publish;

        #[workflow(id = "orders", version = 2)]
        pub raised = fetch >> count >> publish;
    }
}

/// An edit that trims the text.
mod extending {
    use super::*;
    use released::{count, fetch};

    #[stage]
    pub async fn trim(text: String) -> StageResult<String> {
        Ok(text)
    }

    workflow! { pub orders = fetch >> trim >> count }
}

#[test]
fn edits_that_keep_the_fingerprint_pass() {
    assert_eq!(edited::<released::orders, released::orders>(), None);
    assert_eq!(edited::<released::orders, retouched::orders>(), None);
}

#[test]
fn runs_that_would_be_stranded() {
    expect![[r#"
        this edit of workflow `orders` strands runs in flight

          lock file    orders.lock.json

          strands      stage `count`: output changed from integer to string
                       stored outputs would no longer decode

          new version  stage `publish` is new after `count`
                       runs in flight were planned without it

          new version  the run's output is now that of `publish`, no longer that of `count`
                       runs in flight deliver the released output

          what to do
            1. revert the changes that strand runs, or raise the version: `#[workflow(version = 2)]`
            2. write it into the lock file: WORKFLOW_ENGINE_UPDATE_LOCK=1 cargo test -p tests its_definition
            3. keep a worker of the released build until the runs of version 1 have ended
    "#]]
    .assert_eq(&edited::<released::orders, stranding::orders>().unwrap());
}

#[test]
fn an_edit_that_needs_a_new_version() {
    expect![[r#"
        this edit of workflow `orders` needs a new version

          lock file    orders.lock.json

          new version  stage `trim` is new between `fetch` and `count`
                       runs in flight were planned without it

          what to do
            1. revert the edit, or raise the version: `#[workflow(version = 2)]`
            2. write it into the lock file: WORKFLOW_ENGINE_UPDATE_LOCK=1 cargo test -p tests its_definition
            3. keep a worker of the released build until the runs of version 1 have ended
    "#]]
    .assert_eq(&edited::<released::orders, extending::orders>().unwrap());
}

#[test]
fn a_new_version_that_is_not_in_the_lock_file() {
    expect![[r#"
        workflow `orders` has version 2, and its lock file still holds version 1

          lock file    orders.lock.json

          strands      stage `count`: output changed from integer to string
                       stored outputs would no longer decode

          new version  the version was raised from 1 to 2
                       runs in flight keep version 1, and need a worker that has it

          new version  stage `publish` is new after `count`
                       runs in flight were planned without it

          new version  the run's output is now that of `publish`, no longer that of `count`
                       runs in flight deliver the released output

          what to do
            1. write the new version into the lock file: WORKFLOW_ENGINE_UPDATE_LOCK=1 cargo test -p tests its_definition
            2. keep a worker of the released build until the runs of version 1 have ended
    "#]].assert_eq(&edited::<released::orders, stranding::raised>().unwrap());
}

#[test]
fn a_lock_file_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let text = message::<released::orders>(&folder.path().join("none.json")).unwrap();
    let text = text.replace(env!("CARGO_MANIFEST_DIR"), "/crate");
    expect![[r#"
        workflow `orders` has no lock file

          lock file    orders.lock.json
          in           /crate

          what to do
            1. write it: WORKFLOW_ENGINE_UPDATE_LOCK=1 cargo test -p tests its_definition
            2. commit it beside the code
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_lock_file_that_is_malformed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.json");
    let because = |text: &str| {
        fs::write(&path, text).unwrap();
        let text = message::<released::orders>(&path).unwrap();
        text.lines().find(|line| line.starts_with("  because")).unwrap().to_owned()
    };
    let lock = lock_of::<released::orders>();

    fs::write(&path, "{").unwrap();
    expect![[r#"
        the lock file of workflow `orders` cannot be read

          lock file    orders.lock.json
          because      EOF while parsing an object at line 1 column 1

          what to do
            1. restore it from version control
            2. or, if the current definition is the released one, write the file again: WORKFLOW_ENGINE_UPDATE_LOCK=1 cargo test -p tests its_definition
    "#]].assert_eq(&message::<released::orders>(&path).unwrap());
    expect!["  because      unknown field `end`, expected one of `id`, `version`, `fingerprint`, `algorithm`, `input`, `stages`, `ends`, `catches`, `returns` at line 78 column 7"].assert_eq(&because(&lock.replace("\"ends\"", "\"end\"")));
    expect![[r#"  because      invalid type: string "1", expected u32 at line 3 column 16"#]]
        .assert_eq(&because(&lock.replacen("\"version\": 1", "\"version\": \"1\"", 1)));
    expect!["  because      `after` of stage `count` names `fetsh`, which is not among its stages"]
        .assert_eq(&because(&lock.replacen("\"fetch\"\n", "\"fetsh\"\n", 1)));
    expect!["  because      its fingerprint does not match its content: it was edited by hand, or merged"]
        .assert_eq(&because(&lock.replacen("\"version\": 1", "\"version\": 2", 1)));
    expect!["  because      expected value at line 1 column 1"]
        .assert_eq(&because(&format!("<<<<<<< HEAD\n{lock}")));
}

/// The environment is shared by the whole process, so this test runs itself in another process.
#[test]
fn the_environment_variable_writes_the_lock_file() {
    const PATH: &str = "TEST_LOCK_FILE";
    if let Some(path) = env::var_os(PATH) {
        return assert_compatible::<released::orders>(Path::new(&path));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("not/yet/there/orders.lock.json");
    let this = "compatibility::messages::the_environment_variable_writes_the_lock_file";
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", this])
        .env(PATH, &path)
        .env("WORKFLOW_ENGINE_UPDATE_LOCK", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), lock_of::<released::orders>());
    assert_eq!(message::<released::orders>(&path), None);
}
