//! A change between two definitions, and its effect on runs in flight.

/// The effect of a change on runs in flight, in ascending severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    /// Runs keep the old definition and need a worker that has it. Their stored values would fit the new one.
    NewVersion,
    /// Values that runs have stored, or stages that they wait for, have no place in the new definition.
    Strands,
}

/// One change.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) effect: Effect,
    /// The change, as a sentence.
    pub(super) what: String,
    /// The consequence for runs in flight, as a sentence.
    pub(super) consequence: String,
}

impl Change {
    pub(super) fn new_version(what: String, consequence: impl Into<String>) -> Self {
        Self { effect: Effect::NewVersion, what, consequence: consequence.into() }
    }

    pub(super) fn strands(what: String, consequence: impl Into<String>) -> Self {
        Self { effect: Effect::Strands, what, consequence: consequence.into() }
    }
}

/// Formats ids as a list within a sentence.
pub(super) fn list<S: AsRef<str>>(ids: &[S]) -> String {
    let mut quoted: Vec<String> = ids.iter().map(|id| format!("`{}`", id.as_ref())).collect();
    match quoted.pop() {
        Some(last) if quoted.is_empty() => last,
        Some(last) => format!("{} and {last}", quoted.join(", ")),
        None => "nothing".to_owned(),
    }
}
