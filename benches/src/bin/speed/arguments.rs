//! The command line.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use crate::Outcome;
use crate::place::Kind;
use crate::tuning::Tuning;

pub const HELP: &str = "\
usage: speed [OPTIONS]

--short              each short work once: under three minutes
--only WORK,…        w1, w2, w3, w4, w5, w6, delayed, lists, operate, page, reaction, fair, memory, or a full name
                     such as w4-finished-10000, with any number
--peers              also measure the other engines that are built
--store STORE        sqlite or postgres; default both
--repeats N          number of measurements of each work; default 5, or 1 with --short
--json FILE          also write all measurements and the medians as JSON

Settings of the work:
--runs N             runs in a measurement; default depends on the work
--submitters N       callers that start runs at the same time; default 16
--concurrency N      bodies that run at the same time; default 128
--connections N      PostgreSQL: connections that commit; default 4
--relaxed            measure only the engine, with settings under which a power failure may lose acknowledged commits

DATABASE_URL names a server to use instead of a temporary one; its user must be allowed to create databases.";

/// The options of one call.
pub struct Arguments {
    pub is_short: bool,
    pub only: Option<Vec<String>>,
    pub stores: Vec<Kind>,
    pub peers: bool,
    pub repeats: Option<usize>,
    pub json: Option<PathBuf>,
    pub tuning: Tuning,
}

impl Arguments {
    /// Parses the options. Returns `None` for `--help`.
    pub fn parse(mut given: impl Iterator<Item = String>) -> Outcome<Option<Self>> {
        let mut arguments = Self {
            is_short: false,
            only: None,
            stores: Kind::ALL.to_vec(),
            peers: false,
            repeats: None,
            json: None,
            tuning: Tuning::default(),
        };
        while let Some(option) = given.next() {
            match option.as_str() {
                "--help" => return Ok(None),
                "--relaxed" => {
                    arguments.tuning.is_relaxed = true;
                    continue;
                }
                "--peers" => {
                    arguments.peers = true;
                    continue;
                }
                "--short" => {
                    arguments.is_short = true;
                    continue;
                }
                _ => {}
            }
            let value = given.next().ok_or_else(|| format!("`{option}` needs a value\n\n{HELP}"))?;
            match option.as_str() {
                "--only" => arguments.only = Some(value.split(',').map(str::to_owned).collect()),
                "--store" => arguments.stores = vec![value.parse()?],
                "--repeats" => arguments.repeats = Some(number(&option, &value)?),
                "--json" => arguments.json = Some(value.into()),
                "--runs" => arguments.tuning.runs = Some(number(&option, &value)?),
                "--submitters" => arguments.tuning.submitters = number(&option, &value)?,
                "--concurrency" => arguments.tuning.concurrency = number(&option, &value)?,
                "--connections" => arguments.tuning.connections = number(&option, &value)?,
                _ => return Err(format!("unknown option `{option}`\n\n{HELP}").into()),
            }
        }
        Ok(Some(arguments))
    }

    /// Returns whether this work is requested: by its name, by a prefix of its name, or by default.
    pub fn wants(&self, work: &str, is_in_short: bool) -> bool {
        match &self.only {
            Some(only) => only.iter().any(|wanted| {
                work.strip_prefix(wanted.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            }),
            None => is_in_short || !self.is_short,
        }
    }

    pub fn repeats(&self) -> usize {
        self.repeats.unwrap_or(if self.is_short { 1 } else { 5 }).max(1)
    }
}

fn number<T: FromStr<Err: Display>>(option: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|error| format!("invalid value `{value}` of `{option}`: {error}"))
}
