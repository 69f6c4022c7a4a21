//! The features of Anthropic's models by version. Newer models refuse, with status 400, fields that older ones accept.

/// The last version that accepts a temperature.
const LAST_WITH_TEMPERATURE: (u32, u32) = (4, 6);

/// The last version that accepts a forced tool call.
const LAST_WITH_FORCED_TOOLS: (u32, u32) = (5, 0);

/// Returns whether the model accepts `temperature`.
pub(super) fn accepts_temperature(model: &str) -> bool {
    is_at_most(model, LAST_WITH_TEMPERATURE)
}

/// Returns whether the model accepts a `tool_choice` that forces a call.
pub(super) fn accepts_forced_tools(model: &str) -> bool {
    is_at_most(model, LAST_WITH_FORCED_TOOLS)
}

/// Models of other vendors behind the same wire format accept everything. An Anthropic model without a version number counts
/// as newer than all known ones.
fn is_at_most(model: &str, last: (u32, u32)) -> bool {
    let Some(name) = model.strip_prefix("claude-") else { return true };
    // `claude-3-5-sonnet-20241022`, `claude-sonnet-4-5-20250929`, `claude-2.1`: a date has more digits.
    let mut parts = name.split(['-', '.']).skip_while(|part| number(part).is_none());
    let Some(major) = parts.next().and_then(number) else { return false };
    let minor = parts.next().and_then(number).unwrap_or(0);
    (major, minor) <= last
}

fn number(part: &str) -> Option<u32> {
    if part.len() > 2 { None } else { part.parse().ok() }
}

#[cfg(test)]
#[path = "model_version_tests.rs"]
mod tests;
