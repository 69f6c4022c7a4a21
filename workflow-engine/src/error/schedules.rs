//! One constructor for each cause: schedules.

use std::fmt;

use chrono::{DateTime, Utc};

use super::times::shown;
use super::{Error, ErrorCode};

impl Error {
    pub(crate) fn schedule_not_found(id: &str) -> Self {
        Self::new(ErrorCode::ScheduleNotFound, format!("there is no schedule `{}`", short(id)))
    }

    pub(crate) fn invalid_schedule(id: &str, reason: impl fmt::Display) -> Self {
        Self::new(ErrorCode::InvalidSchedule, format!("schedule `{}` is not valid: {reason}", short(id)))
    }

    pub(crate) fn schedule_never_fires(id: &str, pattern: &str, zone: &str, now: DateTime<Utc>) -> Self {
        let message = format!(
            "schedule `{}` would never start a run: the cron pattern `{pattern}` has no instant after {} in the zone `{zone}`",
            short(id),
            shown(now)
        );
        Self::new(ErrorCode::ScheduleNeverFires, message)
    }
}

fn short(id: &str) -> String {
    id.chars().take(128).collect()
}
