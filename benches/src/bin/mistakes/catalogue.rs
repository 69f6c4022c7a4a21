//! Which mistakes, and in which engines.

/// A folder under `peers/mistakes`.
pub struct Engine {
    /// The folder, and the crate whose version is shown.
    pub name: &'static str,
}

pub const ENGINES: [Engine; 5] = [
    Engine { name: "workflow-engine" },
    Engine { name: "sayiir" },
    Engine { name: "apalis-workflow" },
    Engine { name: "dagx" },
    Engine { name: "cloacina" },
];

/// The program without a mistake, in the ways that an engine offers.
pub const CORRECT: [&str; 2] = ["correct", "correct_macro"];

/// Files, and what is wrong in them. An engine has no file for what it cannot express.
pub const MISTAKES: [(&str, &str); 12] = [
    ("missing_dependency", "a dependency is not in the workflow"),
    ("parallel_dependency", "a dependency is in a parallel branch"),
    ("later_dependency", "a dependency runs later"),
    ("duplicate_step", "a step is written twice"),
    ("same_id", "two steps have one id"),
    ("wrong_type", "a step takes another type than it is handed"),
    ("wrong_order", "values after a fan-out are taken in the wrong order"),
    ("wrong_arity", "more values are taken after a fan-out than it has branches"),
    ("unserializable_output", "an output cannot be stored"),
    ("future_not_send", "a future is not `Send`"),
    ("unknown_option", "an option does not exist"),
    ("empty_workflow", "a workflow has no steps"),
];
