//! The limits of a stage's attempts and waits in one run, which its configuration can set.

use std::time::Duration;

use super::retry::RetryPolicy;
use super::wait::WaitDefinition;
use crate::value::Json;

/// The limits of a stage's attempts and waits in one run: those that the stage declares, unless an option such as
/// `timeout = config.timeout` takes one from the run's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StageSettings {
    /// The retry policy.
    pub retry: RetryPolicy,
    /// The longest time for one attempt; `None` for no limit.
    pub timeout: Option<Duration>,
    /// The time between two checks.
    pub poll_every: Duration,
    /// The longest time from the commit of the ticket until the stage is ready.
    pub give_up_after: Duration,
    /// Whether `max` of the policy is written, and so is not raised to `initial`.
    is_max_given: bool,
}

/// The limits that a stored configuration sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadSettings {
    /// The options, each with the place of its value in the JSON of the configuration.
    pub(crate) places: &'static [(&'static str, &'static str)],
    pub(crate) read: fn(&Json, &mut StageSettings) -> Result<(), String>,
}

/// The shortest and the longest duration that a configuration can set.
const DURATIONS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(36_500 * 86_400));

/// The most attempts that a configuration can allow.
const MOST_ATTEMPTS: u32 = 1_000_000;

impl RetryPolicy {
    /// The number of attempts that the queue allows to a stage whose limit is in the configuration of its run: a queue
    /// does not read configurations, so the worker of a failed attempt compares the limit.
    #[doc(hidden)]
    pub const CONFIGURED_ATTEMPTS: u32 = MOST_ATTEMPTS;
}

impl StageSettings {
    /// The limits that a stage declares.
    pub(super) fn declared(
        retry: RetryPolicy,
        timeout: Option<Duration>,
        wait: Option<&WaitDefinition>,
    ) -> Self {
        Self {
            retry,
            timeout,
            poll_every: wait.map_or(WaitDefinition::POLL_EVERY, |wait| wait.poll_every),
            give_up_after: wait.map_or(WaitDefinition::GIVE_UP_AFTER, |wait| wait.give_up_after),
            is_max_given: retry.max != RetryPolicy::DEFAULT.max,
        }
    }

    /// Sets the option `timeout`. `path` is the field of the configuration, here and below.
    ///
    /// # Errors
    /// The sentence about a value that is out of range, here and below.
    #[doc(hidden)]
    pub fn timeout<T: DurationSetting>(&mut self, path: &str, value: &T) -> Result<(), String> {
        if let Some(value) = value.duration_setting(path)? {
            self.timeout = Some(checked(path, value)?);
        }
        Ok(())
    }

    /// Sets the option `poll_every`.
    #[doc(hidden)]
    pub fn poll_every<T: DurationSetting>(&mut self, path: &str, value: &T) -> Result<(), String> {
        if let Some(value) = value.duration_setting(path)? {
            self.poll_every = checked(path, value)?;
        }
        Ok(())
    }

    /// Sets the option `give_up_after`.
    #[doc(hidden)]
    pub fn give_up_after<T: DurationSetting>(&mut self, path: &str, value: &T) -> Result<(), String> {
        if let Some(value) = value.duration_setting(path)? {
            self.give_up_after = checked(path, value)?;
        }
        Ok(())
    }

    /// Sets `initial` of the option `retry`.
    #[doc(hidden)]
    pub fn initial<T: DurationSetting>(&mut self, path: &str, value: &T) -> Result<(), String> {
        if let Some(value) = value.duration_setting(path)? {
            self.retry.initial = checked(path, value)?;
        }
        Ok(())
    }

    /// Sets `max` of the option `retry`.
    #[doc(hidden)]
    pub fn max<T: DurationSetting>(&mut self, path: &str, value: &T) -> Result<(), String> {
        if let Some(value) = value.duration_setting(path)? {
            self.retry.max = checked(path, value)?;
            self.is_max_given = true;
        }
        Ok(())
    }

    /// Sets `max_attempts` of the option `retry`.
    #[doc(hidden)]
    pub fn max_attempts<T: CountSetting>(&mut self, path: &str, value: &T) -> Result<(), String> {
        match value.count_setting() {
            None => self.retry.max_attempts = RetryPolicy::DEFAULT.max_attempts,
            Some(count) => {
                let attempts = u32::try_from(count).ok().filter(|count| (1..=MOST_ATTEMPTS).contains(count));
                self.retry.max_attempts = attempts
                    .ok_or_else(|| format!("`{path}` is {count}, but must be from 1 to {MOST_ATTEMPTS}"))?;
            }
        }
        Ok(())
    }

    /// Compares the limits with each other. Without `max`, a long `initial` raises it.
    pub(super) fn complete(&mut self) -> Result<(), String> {
        let RetryPolicy { initial, max, .. } = &mut self.retry;
        if *max < *initial && self.is_max_given {
            return Err(format!("`max` of the retry policy is {max:?}, but `initial` is {initial:?}"));
        }
        *max = (*max).max(*initial);
        Ok(())
    }
}

fn checked(path: &str, duration: Duration) -> Result<Duration, String> {
    let (shortest, longest) = DURATIONS;
    if duration < shortest {
        return Err(format!("`{path}` is {duration:?}, but must be at least {shortest:?}"));
    }
    if duration > longest {
        return Err(format!("`{path}` is {duration:?}, but must be at most 36500 days"));
    }
    Ok(duration)
}

/// The type of a configuration's field that an option can name for a duration: a text such as `"30s"`, or a
/// [`Duration`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a duration that an option can take from the configuration",
    label = "not a duration",
    note = "such a field is a `String`, as \"30s\", a `std::time::Duration`, or an `Option` of one of them"
)]
pub trait DurationSetting {
    /// The duration; `None` for the option's default.
    ///
    /// # Errors
    /// The sentence about a text that is not a duration.
    fn duration_setting(&self, path: &str) -> Result<Option<Duration>, String>;
}

impl DurationSetting for Duration {
    fn duration_setting(&self, _path: &str) -> Result<Option<Duration>, String> {
        Ok(Some(*self))
    }
}

impl DurationSetting for String {
    fn duration_setting(&self, path: &str) -> Result<Option<Duration>, String> {
        parse(self).map(Some).ok_or_else(|| {
            let shown: String = self.chars().take(64).collect();
            format!(
                "`{path}` is {shown:?}, but must be a whole number and a unit, \"30s\", \"5m\", \"2h\" or \"1d\""
            )
        })
    }
}

impl<T: DurationSetting> DurationSetting for Option<T> {
    fn duration_setting(&self, path: &str) -> Result<Option<Duration>, String> {
        self.as_ref().map_or(Ok(None), |value| value.duration_setting(path))
    }
}

/// Reads `"250ms"`, `"30s"`, `"5m"`, `"2h"` or `"1d"`, as the options do.
fn parse(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor).map(Duration::from_millis)
}

/// The type of a configuration's field that an option can name for a number: an integer without a sign.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a number that an option can take from the configuration",
    label = "not a number",
    note = "such a field is a `u8`, `u16`, `u32`, `u64`, `usize`, or an `Option` of one of them"
)]
pub trait CountSetting {
    /// The number; `None` for the option's default.
    fn count_setting(&self) -> Option<u64>;
}

macro_rules! count_settings {
    ($($type:ty)*) => {
        $(impl CountSetting for $type {
            fn count_setting(&self) -> Option<u64> {
                Some(u64::try_from(*self).unwrap_or(u64::MAX))
            }
        })*
    };
}

count_settings!(u8 u16 u32 u64 usize);

impl<T: CountSetting> CountSetting for Option<T> {
    fn count_setting(&self) -> Option<u64> {
        self.as_ref().and_then(T::count_setting)
    }
}
