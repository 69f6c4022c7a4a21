//! Model names of all generations.

use super::*;

#[test]
fn newer_models_do_not_accept_a_temperature() {
    for old in
        ["claude-2.1", "claude-3-5-sonnet-20241022", "claude-opus-4-20250514", "claude-sonnet-4-6", "other"]
    {
        assert!(accepts_temperature(old), "{old}");
    }
    for new in
        ["claude-opus-4-7", "claude-opus-4-8-20260501", "claude-sonnet-5", "claude-haiku-5-5", "claude-next"]
    {
        assert!(!accepts_temperature(new), "{new}");
    }
}

#[test]
fn the_newest_models_do_not_accept_forced_tools() {
    for old in ["claude-opus-4-8", "claude-opus-5", "claude-3-haiku-20240307"] {
        assert!(accepts_forced_tools(old), "{old}");
    }
    for new in ["claude-opus-5-5", "claude-fable-5-1"] {
        assert!(!accepts_forced_tools(new), "{new}");
    }
}
