//! A program with the command line of this crate.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Arg, ArgMatches, Command};
use futures_util::future::BoxFuture;
use workflow_engine::EngineBuilder;

use crate::commands;
use crate::failure::{Exit, Failure};
use crate::logging;
use crate::options;
use crate::output::{self, note};
use crate::session::Session;

type Configure = dyn Fn(EngineBuilder, &ArgMatches) -> Result<EngineBuilder, Failure> + Send + Sync;

type Action = dyn Fn(Session, ArgMatches) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync;

/// A program with the command line of this crate: your workflows, with your own options and commands.
///
/// [`run`](crate::run) is enough for a program without them.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use workflow_engine::prelude::*;
/// use workflow_engine_cli::Program;
/// use workflow_engine_cli::clap::{Arg, Command};
///
/// #[derive(Clone)]
/// struct Mailer(String);
///
/// #[stage]
/// async fn greet(name: String, #[state] mailer: &Mailer) -> StageResult<String> {
///     Ok(format!("{name}, from {}", mailer.0))
/// }
///
/// workflow! { Greeting = greet }
///
/// fn main() -> ExitCode {
///     Program::new(|engine, options| {
///         let sender = options.get_one::<String>("sender").cloned().unwrap_or_default();
///         Ok(engine.register::<Greeting>().state(Mailer(sender)))
///     })
///     .default_database("greetings.db")
///     .arg(Arg::new("sender").long("sender").default_value("shop@example.com").help("The sender of mails"))
///     .command(Command::new("greet-all").about("Greets everyone"), |session, _| async move {
///         let engine = session.engine().await?;
///         for name in ["Ada", "Alan"] {
///             engine.start::<Greeting>(GreetInput { name: name.into() }).await?;
///         }
///         Ok(())
///     })
///     .run()
/// }
/// ```
#[must_use = "`run` runs the program"]
pub struct Program {
    configure: Option<Box<Configure>>,
    name: Option<String>,
    about: Option<String>,
    version: Option<String>,
    args: Vec<Arg>,
    own: Vec<(Command, Arc<Action>)>,
    pub(crate) default_database: Option<String>,
}

impl Program {
    /// Creates a program. The function registers its workflows, state and plugins with the engine that a command builds. It
    /// receives the values of all options, also your own.
    pub fn new(
        configure: impl Fn(EngineBuilder, &ArgMatches) -> Result<EngineBuilder, Failure> + Send + Sync + 'static,
    ) -> Self {
        Self { configure: Some(Box::new(configure)), ..Self::operator() }
    }

    /// Creates the program `wfe`, which has no workflows.
    pub(crate) fn operator() -> Self {
        Self {
            configure: None,
            name: None,
            about: None,
            version: None,
            args: Vec::new(),
            own: Vec::new(),
            default_database: None,
        }
    }

    /// Sets the name in help texts. Default: the name of the executable file.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the first sentence of the help text.
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = Some(about.into());
        self
    }

    /// Sets what `--version` prints: usually `env!("CARGO_PKG_VERSION")`. Default: the program has no such option.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Sets the store that is used without `--db` and `WORKFLOW_ENGINE_DB`. Default: the user must name one.
    pub fn default_database(mut self, location: impl Into<String>) -> Self {
        self.default_database = Some(location.into());
        self
    }

    /// Adds an option of your own, which every command has.
    pub fn arg(mut self, arg: Arg) -> Self {
        self.args.push(arg.global(true));
        self
    }

    /// Adds a command of your own. The function receives the session and the values of the command's arguments.
    pub fn command<F>(
        mut self,
        command: Command,
        action: impl Fn(Session, ArgMatches) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.own.push((command, Arc::new(move |session, matches| Box::pin(action(session, matches)))));
        self
    }

    /// Runs the command that the arguments of this process name, and returns the exit code.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let program = Arc::new(self);
        let mut matches = match program.clap().try_get_matches() {
            Ok(matches) => matches,
            Err(error) => {
                // The exit code says what happened, also where the text cannot be written.
                let _ = error.print();
                return if error.use_stderr() { Exit::Usage } else { Exit::Done }.into();
            }
        };
        logging::start(&matches);
        // The options of the program are in the matches of the command too.
        let Some((name, mut command)) = matches.remove_subcommand() else { return Exit::Usage.into() };
        let mut innermost = command.clone();
        while let Some((_, inner)) = innermost.remove_subcommand() {
            innermost = inner;
        }
        let session = Session::new(Arc::clone(&program), innermost);
        let format = session.out.clone();
        let outcome = block_on(async move {
            if let Some((_, action)) = program.own.iter().find(|(own, _)| own.get_name() == name) {
                let action = Arc::clone(action);
                return commands::unless_interrupted(action(session, command)).await;
            }
            commands::execute(&session, &name, &mut command).await
        });
        match outcome {
            Ok(()) => Exit::Done.into(),
            Err(failure) => {
                report(&failure, format.is_table());
                failure.exit().into()
            }
        }
    }

    /// Returns the whole command line.
    pub(crate) fn clap(&self) -> Command {
        let name = self.name.clone().or_else(executable).unwrap_or_else(|| "wfe".to_owned());
        let about = self.about.clone().unwrap_or_else(|| match self.configure {
            Some(_) => format!("Runs and operates the workflows of `{name}`"),
            None => "Shows and steers the workflow runs of a store, without the program that they belong to"
                .to_owned(),
        });
        let mut command = Command::new(name)
            .about(about)
            .subcommand_required(true)
            .arg_required_else_help(true)
            .max_term_width(100)
            .args(options::global())
            .args(self.args.clone())
            .subcommands(self.own.iter().map(|(command, _)| command.clone()))
            .subcommands(commands::all(self.has_workflows()))
            .after_help(commands::EXIT_CODES);
        if let Some(version) = &self.version {
            command = command.version(version.clone());
        }
        command
    }

    pub(crate) const fn has_workflows(&self) -> bool {
        self.configure.is_some()
    }

    pub(crate) fn configure(
        &self,
        builder: EngineBuilder,
        options: &ArgMatches,
    ) -> Result<EngineBuilder, Failure> {
        match &self.configure {
            Some(configure) => configure(builder, options),
            None => Ok(builder),
        }
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("name", &self.name).finish_non_exhaustive()
    }
}

fn executable() -> Option<String> {
    let path = std::env::current_exe().ok()?;
    Some(path.file_stem()?.to_str()?.to_owned())
}

fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(command);
    // A thread that reads standard input cannot be stopped, and must not hold up the end.
    runtime.shutdown_background();
    outcome
}

/// Prints the failure to standard error: as text, or as JSON beside an output of JSON.
fn report(failure: &Failure, is_table: bool) {
    if failure.is_silent() {
        return;
    }
    if let (false, Some(json)) = (is_table, failure.to_json()) {
        note(json);
        return;
    }
    for line in failure.lines() {
        output::error(&line);
    }
}
