//! One call of the program: its options, and the store.

use std::path::PathBuf;
use std::sync::Arc;

use clap::ArgMatches;
use clap::parser::ValueSource;
use workflow_engine::{Engine, EngineBuilder};

use crate::api::Api;
use crate::client::{Client, Remote};
use crate::failure::Failure;
use crate::options;
use crate::output::Out;
use crate::program::Program;

/// One call of the program. A command receives it, opens the store with it, and prints with it.
#[derive(Clone)]
pub struct Session {
    program: Arc<Program>,
    global: ArgMatches,
    pub(crate) out: Out,
}

impl Session {
    pub(crate) fn new(program: Arc<Program>, global: ArgMatches) -> Self {
        let out = options::out(&global);
        Self { program, global, out }
    }

    /// Returns the options of the program, also your own ([`Program::arg`]), without those of the command.
    #[must_use]
    pub const fn options(&self) -> &ArgMatches {
        &self.global
    }

    /// Returns the location of the store: `--db`, the variable `WORKFLOW_ENGINE_DB`, or the program's default.
    ///
    /// # Errors
    /// [`Exit::Usage`](crate::Exit::Usage) when none of them is set.
    pub fn database(&self) -> Result<String, Failure> {
        let given = self.global.get_one::<String>("db").cloned();
        given.or_else(|| self.program.default_database.clone()).ok_or_else(|| {
            Failure::usage("no store is named").advice(
                "pass `--db PATH`, `--db postgres://user@host/database`, or set the variable WORKFLOW_ENGINE_DB",
            )
        })
    }

    /// Returns a builder of an engine on the store, with the program's workflows, state and plugins. The store is created
    /// and migrated when the engine is built.
    ///
    /// # Errors
    /// As [`Session::database`]; an error of the program's function.
    pub fn builder(&self) -> Result<EngineBuilder, Failure> {
        self.program.configure(Engine::builder(self.database()?), &self.global)
    }

    /// Builds an engine on the store for a command of your own, without a worker.
    ///
    /// # Errors
    /// As [`Session::builder`]; the store cannot be opened.
    pub async fn engine(&self) -> Result<Engine, Failure> {
        Ok(self.builder()?.without_worker().build().await?)
    }

    /// Opens the store as it is: it is neither created nor migrated.
    pub(crate) async fn open(&self) -> Result<Engine, Failure> {
        Ok(self.existing()?.build().await?)
    }

    /// Opens the store as it is, until a signal ends the process.
    pub(crate) async fn open_until_signal(&self) -> Result<Engine, Failure> {
        Ok(self.existing()?.shutdown_on_signals().build().await?)
    }

    fn existing(&self) -> Result<EngineBuilder, Failure> {
        let source = options::existing(&self.database()?, self.program.has_workflows())?;
        let builder = self.program.configure(Engine::builder(source), &self.global)?;
        Ok(builder.without_worker())
    }

    /// Returns the API of the server that the user names; `None` without one.
    pub(crate) fn remote(&self) -> Result<Option<Api>, Failure> {
        let Some(url) = self.global.get_one::<String>("server") else { return Ok(None) };
        if self.global.value_source("db") == Some(ValueSource::CommandLine) {
            return Err(Failure::usage("a store and a server exclude each other: `--db`, `--server`"));
        }
        let token_file = self.global.get_one::<PathBuf>("token-file");
        Ok(Some(Api::new(Client::new(Remote::new(url, token_file.map(PathBuf::as_path))?))))
    }

    /// Returns an error where the user names a server, for a command that needs the store itself.
    pub(crate) fn needs_store(&self, command: &str) -> Result<(), Failure> {
        // An environment variable may name a server for the other commands.
        if self.global.value_source("server") == Some(ValueSource::CommandLine) {
            return Err(Failure::usage(format!("`{command}` needs the store itself"))
                .advice("pass `--db` instead of `--server`"));
        }
        Ok(())
    }

    pub(crate) fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Whether the user has agreed to everything that a command asks.
    pub(crate) fn has_consent(&self) -> bool {
        self.global.get_flag("yes")
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("out", &self.out).finish_non_exhaustive()
    }
}
