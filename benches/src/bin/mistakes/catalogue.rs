//! The mistakes and the engines.

/// A folder under `peers/mistakes`.
pub struct Engine {
    /// The name of the folder and of the crate whose version is shown.
    pub name: &'static str,
}

pub const ENGINES: [Engine; 5] = [
    Engine { name: "workflow-engine" },
    Engine { name: "sayiir" },
    Engine { name: "apalis-workflow" },
    Engine { name: "dagx" },
    Engine { name: "cloacina" },
];

/// The program without a mistake, in each notation that an engine offers.
pub const CORRECT: [&str; 2] = ["correct", "correct_macro"];

/// The files and their mistakes. An engine has no file for a mistake that it cannot express.
pub const MISTAKES: [(&str, &str); 12] = [
    ("missing_dependency", "a dependency is not in the workflow"),
    ("parallel_dependency", "a dependency is in a parallel branch"),
    ("later_dependency", "a dependency runs later"),
    ("duplicate_step", "a step is written twice"),
    ("same_id", "two steps have the same id"),
    ("wrong_type", "a step takes a different type than its predecessor returns"),
    ("wrong_order", "values after a fan-out are taken in the wrong order"),
    ("wrong_arity", "more values are taken after a fan-out than it has branches"),
    ("unserializable_output", "an output cannot be stored"),
    ("future_not_send", "a future is not `Send`"),
    ("unknown_option", "an option does not exist"),
    ("empty_workflow", "a workflow has no steps"),
];
