//! Texts for people: durations, and texts of users without control characters.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};

/// Returns a text on one line. Control characters are escaped: a message of a program must not steer the terminal.
pub fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            // Writing to a `String` cannot fail.
            let _ = write!(line, "{}", character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

/// Returns a duration with two units: `320 ms`, `4.2 s`, `3 min 20 s`, `2 d 4 h`.
pub fn duration(delta: TimeDelta) -> String {
    let millis = delta.num_milliseconds().max(0);
    let (seconds, minutes, hours) = (millis / 1000, millis / 60_000, millis / 3_600_000);
    if millis < 1000 {
        format!("{millis} ms")
    } else if seconds < 60 {
        format!("{seconds}.{} s", millis % 1000 / 100)
    } else if minutes < 60 {
        format!("{minutes} min {} s", seconds % 60)
    } else if hours < 48 {
        format!("{hours} h {} min", minutes % 60)
    } else {
        format!("{} d {} h", hours / 24, hours % 24)
    }
}

/// Returns the time between two instants, or nothing without both.
pub fn between(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => duration(to - from),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_the_unit_that_fits() {
        let shown = |millis| duration(TimeDelta::milliseconds(millis));
        assert_eq!(shown(-5), "0 ms");
        assert_eq!(shown(320), "320 ms");
        assert_eq!(shown(4_250), "4.2 s");
        assert_eq!(shown(200_000), "3 min 20 s");
        assert_eq!(shown(187_200_000), "2 d 4 h");
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(line("a\nb\u{1b}[31m"), "a\\nb\\u{1b}[31m");
    }
}
