//! Asks the user before many runs are changed.

use std::io::{self, IsTerminal, Write};

use crate::failure::{Exit, Failure};
use crate::session::Session;
use crate::stdin;

/// Returns when the user has agreed.
///
/// # Errors
/// When the user declines; when there is no terminal to ask on, and no `--yes`.
pub async fn ask(session: &Session, question: &str) -> Result<(), Failure> {
    if session.has_consent() {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Usage, format!("{question} There is no terminal to ask on"))
            .advice("pass `--yes` to agree, or `--dry-run` to see the runs"));
    }
    write!(io::stderr(), "{question} [y/N] ")?;
    io::stderr().flush()?;
    let answer = stdin::line().await?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        Err(Failure::new(Exit::Interrupted, "nothing was changed"))
    }
}
