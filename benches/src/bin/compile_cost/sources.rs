//! The sources of the generated crates.

use std::fmt::Write;

/// How the stages of a generated workflow are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One after the other.
    Chain,
    /// Groups of ten parallel stages, each followed by one stage that takes all their outputs.
    Groups,
    /// A chain in which each stage requires the one before the one before it.
    Requirements,
    /// A chain in which each stage has a configuration field.
    Configuration,
    /// A chain of choices with two arms of one stage each.
    Choices,
}

/// The number of branches in a group.
const WIDTH: usize = 10;

impl Shape {
    pub const ALL: [Self; 5] =
        [Self::Chain, Self::Groups, Self::Requirements, Self::Configuration, Self::Choices];

    pub fn name(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Groups => "groups",
            Self::Requirements => "requirements",
            Self::Configuration => "configuration",
            Self::Choices => "choices",
        }
    }

    pub fn description(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Groups => "groups of ten, each followed by a stage that takes ten values",
            Self::Requirements => "chain, one requirement a stage",
            Self::Configuration => "chain, one configuration field a stage",
            Self::Choices => "chain of choices, each with two arms of one stage",
        }
    }

    /// Whether this stage takes the outputs of a group.
    fn joins(self, stage: usize) -> bool {
        self == Self::Groups && stage > 0 && stage.is_multiple_of(WIDTH + 1)
    }
}

/// Returns the library of a crate, with macros or with the same functions without them.
///
/// Each value of `edit` changes the body of the middle stage.
pub fn library(shape: Shape, stages: usize, macros: bool, edit: usize) -> String {
    let mut text = String::from("//! Generated.\n\nuse workflow_engine::prelude::*;\n\n");
    for stage in 0..stages {
        let attribute = |attribute: String| if macros { attribute } else { String::new() };
        let mut parameters = if shape.joins(stage) {
            (0..WIDTH).map(|index| format!("n{index}: u64")).collect::<Vec<_>>()
        } else {
            vec!["n0: u64".to_owned()]
        };
        let mut sum = (0..parameters.len()).map(|index| format!("n{index}")).collect::<Vec<_>>();
        if shape == Shape::Requirements && stage >= 2 {
            parameters.push(format!("{}required: u64", attribute(format!("#[require(s{})] ", stage - 2))));
            sum.push("required".to_owned());
        }
        if shape == Shape::Configuration {
            parameters.push(format!("{}factor: u64", attribute("#[config(default = 1)] ".to_owned())));
            sum.push("factor".to_owned());
        }
        let body = if stage == stages / 2 { edit } else { 0 };
        let _ = write!(
            text,
            "/// Stage {stage}.\n{}pub async fn s{stage}({}) -> StageResult<u64> {{\n    Ok({body} + {})\n}}\n\n",
            attribute("#[stage]\n".to_owned()),
            parameters.join(", "),
            sum.join(" + "),
        );
    }
    if macros {
        let _ =
            write!(text, "workflow! {{\n    /// Generated.\n    pub whole = {}\n}}\n", chain(shape, stages));
    }
    text
}

/// Returns the expression inside `workflow!`.
fn chain(shape: Shape, stages: usize) -> String {
    let mut steps = Vec::new();
    let mut stage = 0;
    while stage < stages {
        if shape == Shape::Choices && stage + 2 < stages {
            let [one, other] = [stage + 1, stage + 2];
            steps.push(format!("match s{stage} {{ number if number > 7 => s{one}, number => s{other} }}"));
            stage += 3;
            continue;
        }
        let group = stage + 1..(stage + 1 + WIDTH).min(stages);
        steps.push(format!("s{stage}"));
        stage += 1;
        if shape == Shape::Groups && !group.is_empty() {
            let branches: Vec<String> = group.clone().map(|branch| format!("s{branch}")).collect();
            steps.push(format!("[{}]", branches.join(", ")));
            stage = group.end;
        }
    }
    steps.join(" >> ")
}
