//! How long a server asks to be left alone.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// More than any provider means; what asks for more is a mistake that must not stop a run for years.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// From `retry-after-ms` (OpenAI), or `retry-after` in seconds or as a date.
///
/// A date is compared with the answer's own, so it needs no clock here, and a clock that is wrong does no harm.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |text: &str| text.parse::<f64>().ok();
    let milliseconds = text("retry-after-ms").and_then(number).and_then(|ms| seconds(ms / 1000.0));
    if milliseconds.is_some() {
        return milliseconds;
    }
    let after = text(RETRY_AFTER.as_str())?;
    if let Some(number) = number(after) {
        return seconds(number);
    }
    let date = |text| DateTime::parse_from_rfc2822(text).ok();
    let wait = date(after)? - date(text(DATE.as_str())?)?;
    Some(wait.to_std().unwrap_or_default().min(LONGEST))
}

/// As `34.07s`, in the body of Google's errors.
pub(super) fn delay(text: &str) -> Option<Duration> {
    seconds(text.strip_suffix('s')?.parse().ok()?)
}

fn seconds(number: f64) -> Option<Duration> {
    if number.is_nan() || number < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(number).unwrap_or(LONGEST).min(LONGEST))
}
