//! A schedule: when to start which run.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Cost, Json};

/// Starts runs of a workflow by a clock: at the instants of a cron pattern in a time zone, or once in each period. These
/// instants are its *ticks*.
///
/// With the Cargo feature `schedules`, `Schedule::cron` and `Schedule::every` make one for a workflow of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Schedule {
    /// The id: 1 to 128 bytes without control characters.
    #[serde(default)]
    pub id: String,
    /// The cron pattern: five fields, six with seconds first, or seven with a year last. Either this or `every_ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// The time zone of the cron pattern, such as `Europe/Berlin`. Default `UTC`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The period, in milliseconds in JSON; 1 s to 366 days. Ticks are at its multiples since 1970 in UTC, so a period of an hour
    /// ticks at full hours.
    #[serde(
        rename = "every_ms",
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::value::maybe_milliseconds"
    )]
    #[schemars(with = "Option<u64>")]
    pub every: Option<Duration>,
    /// The workflow's id.
    pub workflow_id: String,
    /// The input of each run.
    pub input: Json,
    /// The configuration of each run: an object from stage ids to their fields. Absent fields take their defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Json>,
    /// The priority of each run. Default 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// The program's own data of each run: an object. The run's metadata has the field `schedule` in addition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Json>,
    /// The tags of each run, at most 15. Each run has the tag `schedule` in addition, with the id of its schedule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The highest cost of the calls of models of each run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Cost>,
    /// The longest time of each run, in milliseconds in JSON. Default: the option `deadline` of the workflow.
    #[serde(
        rename = "deadline_ms",
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::value::maybe_milliseconds"
    )]
    #[schemars(with = "Option<u64>")]
    pub deadline: Option<Duration>,
    /// What a tick does while an earlier run of the schedule has not ended. Default `skip`.
    #[serde(default)]
    pub overlap: Overlap,
    /// What happens to ticks that no process was there for. Default `latest`.
    #[serde(default)]
    pub catch_up: CatchUp,
    /// The longest time by which a run starts after its tick, in milliseconds in JSON; at most a day. Each tick has its own
    /// delay, the same in every process. Default 0.
    #[serde(rename = "jitter_ms", default, with = "crate::value::milliseconds")]
    #[schemars(with = "u64")]
    pub jitter: Duration,
}

/// What a tick does while an earlier run of its schedule has not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Overlap {
    /// The tick starts no run.
    #[default]
    Skip,
    /// The tick waits until the run has ended. Of several ticks that wait, [`CatchUp`] decides which start a run; with
    /// [`CatchUp::None`], too, the newest does.
    Queue,
    /// The tick starts its run beside the other.
    Parallel,
    /// The tick cancels the run, then starts its own.
    Replace,
}

/// What happens to ticks that have passed while no process was there to start their runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum CatchUp {
    /// One run starts for all of them, as that of the latest.
    #[default]
    Latest,
    /// The newest of them start a run each, the oldest first, as far as [`Overlap`] lets them.
    All {
        /// The most ticks; 1 to 1,000.
        at_most: u32,
    },
    /// A tick that is more than a minute late starts no run.
    None,
}

#[cfg(feature = "schedules")]
impl Schedule {
    /// Creates a schedule with the defaults of everything else.
    pub(crate) fn new(
        id: String,
        cron: Option<String>,
        zone: Option<String>,
        every: Option<Duration>,
        workflow_id: String,
        input: Json,
    ) -> Self {
        Self {
            id,
            cron,
            zone,
            every,
            workflow_id,
            input,
            config: None,
            priority: None,
            metadata: None,
            tags: BTreeMap::new(),
            budget: None,
            deadline: None,
            overlap: Overlap::default(),
            catch_up: CatchUp::default(),
            jitter: Duration::ZERO,
        }
    }
}

impl Overlap {
    /// The text in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Queue => "queue",
            Self::Parallel => "parallel",
            Self::Replace => "replace",
        }
    }
}
