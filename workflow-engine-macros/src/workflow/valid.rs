//! The graph of a workflow: the predecessors and ancestors of each stage, and the values between them.

mod choice;

use proc_macro2::Span;
use syn::{Ident, Path};

pub use self::choice::{Catch, Choice, Place};

use super::ast::{Chain, Step, Workflow};
use crate::casing::{kebab, plain};
use crate::errors::{self, Errors};

/// The widest group with a tuple.
pub const WIDEST: usize = 16;

pub struct Graph<'a> {
    pub workflow: &'a Workflow,
    pub id: String,
    pub nodes: Vec<Node<'a>>,
    /// Every `match`, in reading order.
    pub choices: Vec<Choice<'a>>,
    /// Every `catch`, each after those around it.
    pub catches: Vec<Catch>,
    /// The output of the last step.
    pub output: Shape,
    /// Whether no mistake was found, so that the whole graph can be checked.
    pub sound: bool,
}

pub struct Node<'a> {
    pub path: &'a Path,
    /// The name of its fields: the path's last segment, with the one before it where two collide. Of a workflow named like a
    /// type, it is in snake case.
    pub field: Ident,
    /// The value that the stage receives.
    pub received: Shape,
    /// The direct predecessors.
    pub predecessors: Vec<usize>,
    /// One bit for each stage that runs before it.
    pub ancestors: Vec<u64>,
    /// The arms around it, from the outermost on.
    pub places: Vec<Place>,
    /// The catches around it, by their numbers.
    pub catches: Vec<usize>,
    /// The milliseconds by which it starts later.
    pub delay: u64,
}

/// A value between two steps.
#[derive(Clone)]
pub enum Shape {
    /// The workflow's input.
    Start,
    /// The output of one stage.
    Single(usize),
    /// The outputs of a group's branches.
    Group(Vec<Shape>),
    /// The output of the arm that is taken, by the number of the choice.
    Choice(usize),
    /// The output of a `catch`, by its number: what its chain returns, or why it failed.
    Caught(usize),
    /// The values that the pattern of an arm binds.
    Bound(Place),
    /// Unknown because of a mistake.
    Hole,
}

/// The arms and the catches around a step, and the delay before it.
#[derive(Clone, Default)]
struct Around {
    places: Vec<Place>,
    catches: Vec<usize>,
    /// In milliseconds; in a chain, before its first step.
    delay: u64,
}

/// Returns the name of a field: `OrderEntry` is `order_entry`. A word of the language stays as it is written.
fn field_name(name: Ident) -> Ident {
    let text = plain(&name);
    if !text.starts_with(char::is_uppercase) {
        return name;
    }
    let snake = kebab(&text).replace('-', "_");
    syn::parse_str::<Ident>(&snake).map_or(name.clone(), |_| Ident::new(&snake, name.span()))
}

impl Node<'_> {
    /// The span for mistakes about the stage: the last segment, because stable Rust has no `Span::join`.
    pub fn span(&self) -> Span {
        self.path.segments.last().map_or_else(Span::call_site, |segment| segment.ident.span())
    }
}

impl Shape {
    /// The stages whose outputs it contains, in the order in which they are written.
    pub fn leaves(&self, graph: &Graph<'_>) -> Vec<usize> {
        match self {
            Self::Single(stage) => vec![*stage],
            Self::Group(branches) => branches.iter().flat_map(|branch| branch.leaves(graph)).collect(),
            Self::Choice(choice) => graph.choices[*choice].leaves(graph),
            Self::Caught(catch) => graph.catches[*catch].value.leaves(graph),
            Self::Bound(Place { choice, .. }) => vec![graph.choices[*choice].stage],
            Self::Start | Self::Hole => Vec::new(),
        }
    }

    /// The stages of a group that is too wide for a tuple, so that its outputs are a list: one stage for each branch.
    pub fn list(&self) -> Option<Vec<usize>> {
        let Self::Group(branches) = self else { return None };
        if branches.len() <= WIDEST {
            return None;
        }
        branches
            .iter()
            .map(|branch| if let Self::Single(stage) = branch { Some(*stage) } else { None })
            .collect()
    }

    /// All lists in it.
    pub fn lists(&self) -> Vec<Vec<usize>> {
        match (self.list(), self) {
            (Some(list), _) => vec![list],
            (None, Self::Group(branches)) => branches.iter().flat_map(Self::lists).collect(),
            (None, _) => Vec::new(),
        }
    }

    /// Returns whether it contains a hole.
    pub fn has_hole(&self, graph: &Graph<'_>) -> bool {
        match self {
            Self::Hole => true,
            Self::Group(branches) => branches.iter().any(|branch| branch.has_hole(graph)),
            Self::Choice(choice) => graph.choices[*choice].has_hole(graph),
            Self::Caught(catch) => graph.catches[*catch].value.has_hole(graph),
            Self::Bound(Place { choice, .. }) => !graph.choices[*choice].is_whole,
            Self::Start | Self::Single(_) => false,
        }
    }

    /// Returns whether it depends on a choice or a catch, so that the engine needs more than its stages.
    pub fn has_choice(&self) -> bool {
        match self {
            Self::Choice(_) | Self::Caught(_) | Self::Bound(_) => true,
            Self::Group(branches) => branches.iter().any(Self::has_choice),
            Self::Start | Self::Single(_) | Self::Hole => false,
        }
    }
}

impl<'a> Graph<'a> {
    pub fn new(workflow: &'a Workflow, errors: &mut Errors) -> Self {
        let id =
            workflow.options.id.as_ref().map_or_else(|| kebab(&plain(&workflow.name)), syn::LitStr::value);
        let mut graph = Self {
            workflow,
            id,
            nodes: Vec::new(),
            choices: Vec::new(),
            catches: Vec::new(),
            output: Shape::Hole,
            sound: true,
        };
        graph.output = graph.walk(&workflow.chain, &Shape::Start, &Around::default(), errors);
        graph.name_fields();
        graph.find_ancestors();
        if workflow.input.is_none() && graph.heads() > 1 {
            errors.push(errors::workflow::no_input_type(&workflow.name, &graph.id));
            graph.sound = false;
            // Their input is unknown, but the stages after them are still checked.
            for node in &mut graph.nodes {
                if matches!(node.received, Shape::Start) {
                    node.received = Shape::Hole;
                }
            }
        }
        if let Some(Step::Group { branches, span }) = workflow.chain.steps.last()
            && branches.len() > WIDEST
            && graph.output.list().is_none()
            && !graph.output.has_hole(&graph)
        {
            errors.push(errors::workflow::wide_end(*span, branches.len()));
            graph.output = Shape::Hole;
        }
        graph
    }

    /// Adds the stages of a chain, and returns the output of its last step.
    fn walk(&mut self, chain: &'a Chain, before: &Shape, around: &Around, errors: &mut Errors) -> Shape {
        let mut before = before.clone();
        let mut around = around.clone();
        for (number, step) in chain.steps.iter().enumerate() {
            if let Step::Delay { milliseconds, span } = step {
                around.delay = around.delay.saturating_add(*milliseconds);
                if number + 1 == chain.steps.len() {
                    errors.push(errors::delay::at_the_end(*span));
                    self.sound = false;
                    return Shape::Hole;
                }
                continue;
            }
            before = self.step(step, before, &around, errors);
            around.delay = 0;
        }
        before
    }

    fn step(&mut self, step: &'a Step, before: Shape, around: &Around, errors: &mut Errors) -> Shape {
        match step {
            Step::Hole | Step::Delay { .. } => {
                self.sound = false;
                Shape::Hole
            }
            Step::Stage(path) => Shape::Single(self.add(path, before, around)),
            Step::Group { branches, .. } => {
                let mut shapes: Vec<Shape> =
                    branches.iter().map(|branch| self.walk(branch, &before, around, errors)).collect();
                if shapes.len() == 1 { shapes.remove(0) } else { Shape::Group(shapes) }
            }
            Step::Catch { chain, span } => Shape::Caught(self.catch((chain, *span), &before, around, errors)),
            Step::Match { matched, arms, is_whole, span } => {
                let matched = self.step(matched, before, around, errors);
                let around = Around { delay: 0, ..around.clone() };
                self.choose(matched, (arms, *is_whole, *span), &around, errors)
            }
        }
    }

    fn add(&mut self, path: &'a Path, received: Shape, around: &Around) -> usize {
        let name = path.segments.last().map_or_else(|| self.workflow.name.clone(), |last| last.ident.clone());
        let predecessors = received.leaves(self);
        let Around { places, catches, delay } = around.clone();
        let ancestors = Vec::new();
        self.nodes.push(Node {
            path,
            field: field_name(name),
            received,
            predecessors,
            ancestors,
            places,
            catches,
            delay,
        });
        self.nodes.len() - 1
    }

    /// The number of first stages, which receive the workflow's input.
    fn heads(&self) -> usize {
        self.nodes.iter().filter(|node| matches!(node.received, Shape::Start)).count()
    }

    /// Adds the segment before it to equal names, `a_load` and `b_load`, and a number if they are still equal: then the same
    /// stage appears twice, which is reported elsewhere.
    fn name_fields(&mut self) {
        let names: Vec<String> = self.nodes.iter().map(|node| node.field.to_string()).collect();
        for (index, node) in self.nodes.iter_mut().enumerate() {
            if names.iter().filter(|other| **other == names[index]).count() == 1 {
                continue;
            }
            let mut before = node.path.segments.iter().rev().skip(1);
            if let Some(segment) = before.next() {
                let name = format!("{}_{}", plain(&segment.ident), plain(&node.field));
                node.field = Ident::new(&name, node.field.span());
            }
        }
        for index in 1..self.nodes.len() {
            let taken = |name: &Ident| self.nodes[..index].iter().any(|node| node.field == *name);
            let mut name = self.nodes[index].field.clone();
            let mut number = 2;
            while taken(&name) {
                name = Ident::new(&format!("{}_{number}", plain(&self.nodes[index].field)), name.span());
                number += 1;
            }
            self.nodes[index].field = name;
        }
    }

    fn find_ancestors(&mut self) {
        let words = self.nodes.len().div_ceil(64);
        for index in 0..self.nodes.len() {
            let mut ancestors = vec![0_u64; words];
            for &before in &self.nodes[index].predecessors {
                for (word, more) in ancestors.iter_mut().zip(&self.nodes[before].ancestors) {
                    *word |= more;
                }
                ancestors[before / 64] |= 1 << (before % 64);
            }
            self.nodes[index].ancestors = ancestors;
        }
    }
}
