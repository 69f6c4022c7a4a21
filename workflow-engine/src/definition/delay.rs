//! The text of a delay in drawings.

use std::time::Duration;

use super::graph::GraphStage;

/// The units, each with its milliseconds.
const UNITS: [(&str, u128); 4] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];

impl GraphStage {
    /// Returns how much later the stage starts than it is ready.
    pub(super) fn delayed_by(&self) -> Option<String> {
        self.delay.map(text)
    }

    /// Returns the name, and how much later the stage starts.
    pub(super) fn delayed_name(&self) -> String {
        match self.delayed_by() {
            Some(delay) => format!("{}, {delay} later", self.name),
            None => self.name.clone(),
        }
    }
}

/// Returns the duration in the largest unit of which it is a multiple, as `delay` takes it.
fn text(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let unit = UNITS.iter().find(|(_, unit)| milliseconds.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{milliseconds}ms"), |(name, unit)| format!("{}{name}", milliseconds / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_its_largest_unit() {
        let texts = [604_800_000, 90_000, 5_400_000, 1_000, 1_500].map(Duration::from_millis).map(text);
        assert_eq!(texts, ["7d", "90s", "90m", "1s", "1500ms"]);
    }
}
