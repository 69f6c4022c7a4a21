//! Which of Anthropic's models take what: newer ones refuse, with a 400, what older ones were told to be given.

/// The last generation that takes a temperature.
const LAST_WITH_TEMPERATURE: (u32, u32) = (4, 6);

/// The last that lets a call of a tool be forced.
const LAST_WITH_FORCED_TOOLS: (u32, u32) = (5, 0);

/// Whether the model takes `temperature`.
pub(super) fn takes_temperature(model: &str) -> bool {
    is_at_most(model, LAST_WITH_TEMPERATURE)
}

/// Whether the model takes a `tool_choice` that forces a call.
pub(super) fn takes_forced_tools(model: &str) -> bool {
    is_at_most(model, LAST_WITH_FORCED_TOOLS)
}

/// A model of somebody else's, behind the same wire format, takes everything; one of Anthropic's without a number is
/// newer than what is known here.
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
mod tests {
    use super::*;

    #[test]
    fn newer_models_take_no_temperature() {
        for old in [
            "claude-2.1",
            "claude-3-5-sonnet-20241022",
            "claude-opus-4-20250514",
            "claude-sonnet-4-6",
            "other",
        ] {
            assert!(takes_temperature(old), "{old}");
        }
        for new in [
            "claude-opus-4-7",
            "claude-opus-4-8-20260501",
            "claude-sonnet-5",
            "claude-haiku-5-5",
            "claude-next",
        ] {
            assert!(!takes_temperature(new), "{new}");
        }
    }

    #[test]
    fn the_newest_models_take_no_forced_tools() {
        for old in ["claude-opus-4-8", "claude-opus-5", "claude-3-haiku-20240307"] {
            assert!(takes_forced_tools(old), "{old}");
        }
        for new in ["claude-opus-5-5", "claude-fable-5-1"] {
            assert!(!takes_forced_tools(new), "{new}");
        }
    }
}
