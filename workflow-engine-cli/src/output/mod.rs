//! What a command prints: tables for people, JSON for programs.

mod indent;
mod paint;
mod table;
pub mod text;
mod zone;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

pub use table::Table;
pub use zone::Zone;

/// The form of what a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON value.
    Json,
    /// One JSON value a line.
    Ndjson,
}

/// Standard output, in the form that the user has chosen.
#[derive(Clone, Debug)]
pub struct Out {
    /// The form.
    pub format: Format,
    /// The time zone of instants in tables.
    pub zone: Zone,
    /// The width of the terminal; `None` in a pipe or file, where nothing is cut.
    width: Option<usize>,
    /// Whether statuses have colours: on a terminal, unless `NO_COLOR` is set.
    is_painted: bool,
}

impl Out {
    /// Creates the output of this process.
    pub fn new(format: Format, zone: Zone) -> Self {
        let width = io::stdout().is_terminal().then(|| usize::from(console::Term::stdout().size().1));
        Self { format, zone, width, is_painted: console::colors_enabled() }
    }

    /// Whether the output is a table.
    pub fn is_table(&self) -> bool {
        self.format == Format::Table
    }

    /// Prints one line.
    ///
    /// # Errors
    /// When it cannot be written, here and below.
    #[allow(clippy::unused_self, reason = "a line has one form, but it belongs to the output as tables do")]
    pub fn line(&self, line: impl AsRef<str>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", line.as_ref())?;
        out.flush()
    }

    /// Prints a table, cut to the width of the terminal.
    ///
    /// # Errors
    /// As [`Out::line`].
    pub fn table(&self, table: Table) -> io::Result<()> {
        let lines = table.lines(self.width, self.is_painted);
        let mut out = io::stdout().lock();
        for line in lines {
            writeln!(out, "{line}")?;
        }
        out.flush()
    }

    /// Prints an answer of the API as it is: indented, or on one line.
    ///
    /// # Errors
    /// As [`Out::line`].
    pub fn raw(&self, json: &str) -> io::Result<()> {
        match self.format {
            Format::Ndjson => self.line(json),
            Format::Table | Format::Json => self.line(indent::indented(json)),
        }
    }

    /// Prints a value as JSON: indented, or on one line.
    ///
    /// # Errors
    /// As [`Out::line`].
    pub fn json(&self, value: &impl Serialize) -> io::Result<()> {
        self.raw(&serde_json::to_string(value)?)
    }
}

/// Prints a line to standard error, for people. It cannot be reported when that fails.
pub fn note(line: impl AsRef<str>) {
    let _ = writeln!(io::stderr().lock(), "{}", line.as_ref());
}

/// Prints a line of an error to standard error, with a colour for its label.
pub fn error(line: &str) {
    note(paint::label(line));
}
