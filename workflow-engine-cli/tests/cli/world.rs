//! A store with runs, on a file of its own.

use std::path::PathBuf;
use std::process::Command;

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::programs::{Output, run, shop, wfe};

/// A store on a SQLite file.
pub struct World {
    pub folder: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn db(&self) -> PathBuf {
        self.folder.path().join("shop.db")
    }

    fn on_store(&self, mut command: Command, arguments: &[&str]) -> Command {
        command.arg("--db").arg(self.db()).args(arguments);
        command
    }

    /// A command of `wfe` on the store.
    pub fn wfe_command(&self, arguments: &[&str]) -> Command {
        self.on_store(wfe(), arguments)
    }

    /// A command of the shop on the store.
    pub fn shop_command(&self, arguments: &[&str]) -> Command {
        self.on_store(shop(), arguments)
    }

    pub fn wfe(&self, arguments: &[&str]) -> Output {
        run(self.wfe_command(arguments))
    }

    pub fn shop(&self, arguments: &[&str]) -> Output {
        run(self.shop_command(arguments))
    }

    /// Executes a statement on the store, beside all programs.
    pub async fn sql(&self, statement: impl Into<String>) {
        let url = format!("sqlite:{}", self.db().display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        sqlx::query(AssertSqlSafe(statement.into())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Starts a run that no worker executes, and returns its id.
    pub fn started(&self, workflow: &str, input: &str, more: &[&str]) -> String {
        let arguments = [&["start", workflow, "--input", input], more].concat();
        self.shop(&arguments).done().trim().to_owned()
    }

    /// Executes a run to its end, and returns its id.
    pub fn executed(&self, input: &str, more: &[&str]) -> String {
        let arguments = [&["start", "ordering", "--input", input, "--wait", "--worker"], more].concat();
        let output = self.shop(&arguments);
        let line = output.stderr.lines().find_map(|line| line.strip_prefix("run "));
        line.unwrap_or_else(|| panic!("{output:#?}")).to_owned()
    }
}

/// An order that succeeds.
pub const TEA: &str = r#"{"article":"tea","number":2}"#;

/// An order whose first stage fails.
pub const NOTHING: &str = r#"{"article":"nothing","number":1}"#;
