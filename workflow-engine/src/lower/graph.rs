//! The checks of a workflow's graph, which rustc runs when it evaluates constants.
//!
//! Trait bounds could express most of them, but rustc would add `required for` notes to the message, and could not tell
//! "in a parallel branch" from "after it". The panic of a constant is one error, and `track_caller` puts it on the stage in
//! the user's chain.

use super::message::Message;
use crate::definition::{Requirement, StageDeclaration, StagePath, same_text};

/// A stage, as far as the checks need it.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    path: StagePath,
    id: &'static str,
    /// The requirements of the stage and of its check.
    requires: [&'static [Requirement]; 2],
}

impl Node {
    pub(crate) const fn of(path: StagePath, declaration: &StageDeclaration) -> Self {
        let StageDeclaration { id, requires, check_requires, .. } = *declaration;
        Self { path, id, requires: [requires, check_requires] }
    }
}

/// A workflow's graph.
#[derive(Clone, Copy, Debug)]
pub struct Graph {
    /// The workflow's id.
    pub workflow: &'static str,
    /// The stages in reading order.
    pub nodes: &'static [Node],
    /// For each stage, the set of its ancestors: one bit for each stage.
    pub ancestors: &'static [&'static [u64]],
    /// For each stage, those that have run whenever it runs, if they are ancestors; empty where all are.
    pub certain: &'static [&'static [u64]],
    /// For each stage, those of other arms of the same choice; empty without a choice.
    pub excluded: &'static [&'static [u64]],
    /// For each stage, those in a catch that is not around it; empty without a catch.
    pub caught: &'static [&'static [u64]],
}

/// Checks the stage `at`, its identity and its requirements.
///
/// # Panics
/// If the stage appears earlier, if an earlier stage has its id, or if a required stage does not run before it.
#[track_caller]
pub const fn check_stage(graph: &Graph, at: usize) {
    check_identity(graph, at);
    let message = requirements(graph, at);
    assert!(message.is_empty(), "{}", message.as_str());
}

/// Checks the identity of the stage `at`. Unlike [`check_stage`], it can be used for a graph with other mistakes.
///
/// # Panics
/// If the stage appears earlier, or if an earlier stage has its id.
#[track_caller]
pub const fn check_identity(graph: &Graph, at: usize) {
    let message = twin(graph, at);
    assert!(message.is_empty(), "{}", message.as_str());
}

/// Returns whether the stage `at` appears earlier in the workflow, which is a mistake.
#[must_use]
pub const fn is_repeated(graph: &Graph, at: usize) -> bool {
    let mut earlier = 0;
    while earlier < at {
        if graph.nodes[earlier].path.is(&graph.nodes[at].path) {
            return true;
        }
        earlier += 1;
    }
    false
}

/// The mistake in the stage's identity, or an empty message.
const fn twin(graph: &Graph, at: usize) -> Message {
    let node = &graph.nodes[at];
    let mut earlier = 0;
    while earlier < at {
        let other = &graph.nodes[earlier];
        if other.path.is(&node.path) {
            return Message::new()
                .push("`")
                .push(node.path.name)
                .push("` appears twice in workflow `")
                .push(graph.workflow)
                .push("`, but a workflow runs each stage once");
        }
        if same_text(other.id, node.id) {
            return path(path(Message::new().push("stages `"), other).push("` and `"), node)
                .push("` of workflow `")
                .push(graph.workflow)
                .push("` share the id `")
                .push(node.id)
                .push("`: give one of them another id with `#[stage(id = \"…\")]`");
        }
        earlier += 1;
    }
    Message::new()
}

const fn path(message: Message, node: &Node) -> Message {
    message.push(node.path.module).push("::").push(node.path.name)
}

/// The mistakes in the stage's requirements, in one sentence, or an empty message.
const fn requirements(graph: &Graph, at: usize) -> Message {
    let node = &graph.nodes[at];
    let [own, of_check] = node.requires;
    let mut message = Message::new();
    let mut next = 0;
    while next < own.len() + of_check.len() {
        let requirement = if next < own.len() { &own[next] } else { &of_check[next - own.len()] };
        next += 1;
        if next > own.len() && contains_requirement(own, requirement) {
            continue;
        }
        let Some(problem) = problem(graph, at, requirement) else { continue };
        if message.is_empty() {
            message = message.push("workflow `").push(graph.workflow).push("`: `").push(node.path.name);
            message = message.push(if requirement.optional {
                "` can never read its optional `"
            } else {
                "` requires `"
            });
        } else {
            message = message.push(if requirement.optional {
                "; and it can never read its optional `"
            } else {
                "; and it requires `"
            });
        }
        message = message.push(requirement.path.name).push("`, which ").push(problem);
    }
    message
}

const fn contains_requirement(requirements: &[Requirement], wanted: &Requirement) -> bool {
    let mut next = 0;
    while next < requirements.len() {
        if requirements[next].optional == wanted.optional && requirements[next].path.is(&wanted.path) {
            return true;
        }
        next += 1;
    }
    false
}

/// The reason why the stage `at` cannot read a required output.
const fn problem(graph: &Graph, at: usize, requirement: &Requirement) -> Option<&'static str> {
    let mut found = None;
    let mut other = 0;
    while other < graph.nodes.len() {
        if graph.nodes[other].path.is(&requirement.path) {
            if contains(graph.ancestors[at], other) {
                let is_certain = graph.certain.is_empty() || contains(graph.certain[at], other);
                if is_certain || requirement.optional {
                    return None;
                }
                if contains(graph.caught[at], other) {
                    return Some("may have failed: declare it with `optional`");
                }
                return Some("may be skipped: declare it with `optional`");
            }
            // A stage that appears twice is reported elsewhere, so any of its places will do.
            found = Some(other);
        }
        other += 1;
    }
    match found {
        None if requirement.optional => None,
        None => Some("is not in the workflow"),
        Some(other) if other == at => Some("is the stage itself"),
        Some(other) if contains(graph.ancestors[other], at) => Some("runs after it"),
        Some(other) if !graph.excluded.is_empty() && contains(graph.excluded[at], other) => {
            Some("is in another arm of the same `match`")
        }
        Some(_) => Some("runs in a parallel branch"),
    }
}

const fn contains(set: &[u64], stage: usize) -> bool {
    set[stage / 64] >> (stage % 64) & 1 == 1
}
