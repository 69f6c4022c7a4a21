//! The time zone in which a command shows instants.

use std::str::FromStr;

use chrono::{DateTime, FixedOffset, Local, Utc};
use chrono_tz::Tz;

/// A time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// The zone of this machine.
    Local,
    /// A zone of the IANA database.
    Named(Tz),
    /// A fixed distance to UTC.
    Fixed(FixedOffset),
}

impl Zone {
    /// Returns the date and the time to the second.
    pub fn show(self, at: DateTime<Utc>) -> String {
        const FORM: &str = "%Y-%m-%d %H:%M:%S";

        match self {
            Self::Local => at.with_timezone(&Local).format(FORM).to_string(),
            Self::Named(zone) => at.with_timezone(&zone).format(FORM).to_string(),
            Self::Fixed(offset) => at.with_timezone(&offset).format(FORM).to_string(),
        }
    }

    /// Returns the time to the millisecond.
    pub fn show_time(self, at: DateTime<Utc>) -> String {
        const FORM: &str = "%Y-%m-%d %H:%M:%S%.3f";

        match self {
            Self::Local => at.with_timezone(&Local).format(FORM).to_string(),
            Self::Named(zone) => at.with_timezone(&zone).format(FORM).to_string(),
            Self::Fixed(offset) => at.with_timezone(&offset).format(FORM).to_string(),
        }
    }

    /// Returns the name for the head of a column.
    pub fn name(self) -> String {
        match self {
            Self::Local => "local".to_owned(),
            Self::Named(zone) => zone.name().to_owned(),
            Self::Fixed(offset) => offset.to_string(),
        }
    }
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("local") {
            return Ok(Self::Local);
        }
        if text.eq_ignore_ascii_case("utc") || text == "Z" {
            return Ok(Self::Named(Tz::UTC));
        }
        if let Ok(offset) = text.parse::<FixedOffset>() {
            return Ok(Self::Fixed(offset));
        }
        text.parse::<Tz>().map(Self::Named).map_err(|_| {
            format!(
                "`{text}` is not a time zone: write `local`, `utc`, `+02:00` or a name like `Europe/Berlin`"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_read_and_named() {
        let at = DateTime::from_timestamp(1_764_460_800, 0).unwrap();
        for (text, shown, name) in [
            ("utc", "2025-11-30 00:00:00", "UTC"),
            ("+02:00", "2025-11-30 02:00:00", "+02:00"),
            ("Europe/Berlin", "2025-11-30 01:00:00", "Europe/Berlin"),
        ] {
            let zone: Zone = text.parse().unwrap();
            assert_eq!((zone.show(at).as_str(), zone.name().as_str()), (shown, name));
        }
        assert!("Nowhere/City".parse::<Zone>().unwrap_err().contains("is not a time zone"));
    }
}
