//! Why a command failed, and the exit code of the program.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use workflow_engine::{Error, ErrorCode};

/// The exit code of the program. The numbers are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Exit {
    /// The command is done.
    Done = 0,
    /// The run that the command waited for has failed; for `doctor`, it found a problem.
    RunFailed = 1,
    /// The command line, or a value in it, is wrong.
    Usage = 2,
    /// The run, stage, workflow or database does not exist.
    NotFound = 3,
    /// The present state does not allow the command.
    Conflict = 4,
    /// The store or the server is not available. The same command may succeed later.
    Unavailable = 5,
    /// The database or the server denies the command.
    Denied = 6,
    /// The run that the command waited for was cancelled.
    RunCancelled = 7,
    /// An error of the engine, of the store or of the program.
    Internal = 70,
    /// The user interrupted the command.
    Interrupted = 130,
}

impl Exit {
    /// Returns the exit code for an error of the engine.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        if error.code() == ErrorCode::MissingPrivilege {
            Self::Denied
        } else if error.is_not_found() {
            Self::NotFound
        } else if error.is_conflict() {
            Self::Conflict
        } else if error.is_invalid_input() {
            Self::Usage
        } else if error.is_run_failed() {
            Self::RunFailed
        } else if error.is_run_cancelled() {
            Self::RunCancelled
        } else if error.is_retryable() {
            Self::Unavailable
        } else {
            Self::Internal
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that failed: the exit code, a message, and what to do.
///
/// Every error converts into one with `?`. An error of the engine decides the exit code; any other error is
/// [`Exit::Internal`]. A closed pipe ends the program quietly.
///
/// ```
/// use workflow_engine_cli::{Exit, Failure};
///
/// let failure = Failure::new(Exit::NotFound, "customer `acme` does not exist").advice("run `shop customers list`");
/// assert_eq!(failure.exit(), Exit::NotFound);
///
/// let error = "nonsense".parse::<workflow_engine::RunId>().unwrap_err();
/// assert_eq!(Failure::from(error).exit(), Exit::Usage);
/// ```
pub struct Failure {
    exit: Exit,
    message: String,
    advice: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    /// The error of a server, as JSON.
    json: Option<String>,
    is_silent: bool,
}

impl Failure {
    /// Creates a failure with this message: lower case, without a full stop.
    #[must_use]
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), advice: None, source: None, json: None, is_silent: false }
    }

    /// Creates a failure whose reason is printed already.
    pub(crate) fn silent(exit: Exit) -> Self {
        Self { is_silent: true, ..Self::new(exit, "") }
    }

    /// Creates a failure of the command line.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Adds what the user can do.
    #[must_use]
    pub fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Returns the exit code.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// Creates a failure from an error of the engine that others may hold too.
    pub(crate) fn of_engine(error: Arc<Error>) -> Self {
        Self::new(Exit::of(&error), error.to_string()).caused_by(Box::new(error))
    }

    /// Sets the form of the error beside an output of JSON.
    pub(crate) fn json(mut self, json: String) -> Self {
        self.json = Some(json);
        self
    }

    /// Returns the error of the engine that caused it.
    pub(crate) fn error(&self) -> Option<&Error> {
        let source = self.source.as_deref()?;
        source.downcast_ref().or_else(|| Some(&**source.downcast_ref::<Arc<Error>>()?))
    }

    /// Returns the error as JSON, if the engine or a server is its cause.
    pub(crate) fn to_json(&self) -> Option<String> {
        self.json.clone().or_else(|| serde_json::to_string(self.error()?).ok())
    }

    /// Returns the stable code, if the engine or a server has named one.
    pub(crate) fn code(&self) -> Option<String> {
        let value: serde_json::Value = serde_json::from_str(&self.to_json()?).ok()?;
        Some(value["code"].as_str()?.to_owned())
    }

    /// Returns whether the same command may succeed later.
    pub(crate) fn is_retryable(&self) -> bool {
        self.exit == Exit::Unavailable
    }

    pub(crate) const fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// Returns the lines for a person.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("error: {}", self.message)];
        let mut cause = self.source.as_deref().and_then(StdError::source);
        while let Some(error) = cause {
            // Many errors repeat their cause.
            let text = error.to_string();
            if !lines.iter().any(|line| line.contains(&text)) {
                lines.push(format!("cause: {text}"));
            }
            cause = error.source();
        }
        match (&self.advice, self.error()) {
            (Some(advice), _) => lines.push(format!("hint: {advice}")),
            (None, Some(error)) => {
                lines.push(format!("hint: {} ({})", error.code().what_to_do(), error.code().as_str()));
            }
            (None, None) => {}
        }
        lines
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let message = error.to_string();
        let source: Box<dyn StdError + Send + Sync> = Box::new(error);
        if let Some(error) = source.downcast_ref::<Error>() {
            return Self { source: None, ..Self::new(Exit::of(error), message) }.caused_by(source);
        }
        if source.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            // The reader has what it needs.
            return Self::silent(Exit::Done);
        }
        Self::new(Exit::Internal, message).caused_by(source)
    }
}

impl Failure {
    fn caused_by(mut self, source: Box<dyn StdError + Send + Sync>) -> Self {
        self.source = Some(source);
        self
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("exit", &self.exit)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
