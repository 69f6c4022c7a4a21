//! The choices and the catches of a workflow, and the stages in them.

use proc_macro2::Span;

use super::{Around, Graph, Node, Shape};
use crate::errors::{self, Errors};
use crate::workflow::ast::{Arm, Chain};

/// `match stage { arms }`
pub struct Choice<'a> {
    /// The stage whose output decides; of a `catch`, the last one in it.
    pub stage: usize,
    /// The value that decides: that of the stage, or of the `catch`.
    pub matched: Shape,
    pub arms: &'a [Arm],
    /// The first stage of each arm, and the one after its last.
    pub ranges: Vec<(usize, usize)>,
    /// The output of each arm; `None` for `()`.
    pub ends: Vec<Option<Shape>>,
    /// Whether every arm could be parsed.
    pub is_whole: bool,
    /// The keyword.
    pub span: Span,
}

/// `catch(chain)`
pub struct Catch {
    /// Its first stage, and the one after its last.
    pub range: (usize, usize),
    /// The output of its chain.
    pub value: Shape,
}

/// An arm of a choice, both by their numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub choice: usize,
    pub arm: usize,
}

impl Choice<'_> {
    /// Whether an arm is `()`, so that the choice returns an `Option`.
    pub fn is_optional(&self) -> bool {
        self.ends.iter().any(Option::is_none)
    }

    /// The stages that end an arm, and the matched stage where an arm has none.
    pub(super) fn leaves(&self, graph: &Graph<'_>) -> Vec<usize> {
        let own = self.is_optional().then_some(self.stage);
        let ends = self.ends.iter().flatten();
        own.into_iter().chain(ends.flat_map(|end| end.leaves(graph))).collect()
    }

    pub(super) fn has_hole(&self, graph: &Graph<'_>) -> bool {
        !self.is_whole || self.ends.iter().flatten().any(|end| end.has_hole(graph))
    }
}

impl<'a> Graph<'a> {
    /// Adds the stages of the arms, and returns the output of the choice.
    pub(super) fn choose(
        &mut self,
        matched: Shape,
        (arms, is_whole, span): (&'a [Arm], bool, Span),
        around: &Around,
        errors: &mut Errors,
    ) -> Shape {
        let decides = match &matched {
            Shape::Caught(catch) => &self.catches[*catch].value,
            other => other,
        };
        let stage = match decides {
            Shape::Single(stage) => *stage,
            Shape::Hole => {
                self.sound = false;
                for chain in arms.iter().filter_map(|arm| arm.chain.as_ref()) {
                    self.walk(chain, &Shape::Hole, around, errors);
                }
                return Shape::Hole;
            }
            _ => {
                errors.push(errors::choice::caught_group(span));
                self.sound = false;
                return Shape::Hole;
            }
        };
        let choice = self.choices.len();
        let is_sound = is_whole && !matched.has_hole(self);
        self.sound &= is_sound;
        let (ranges, ends) = (Vec::new(), Vec::new());
        self.choices.push(Choice { stage, matched, arms, ranges, ends, is_whole: is_sound, span });
        for (number, arm) in arms.iter().enumerate() {
            let place = Place { choice, arm: number };
            let first = self.nodes.len();
            let end = arm.chain.as_ref().map(|chain| {
                let mut inside = around.clone();
                inside.places.push(place);
                self.walk(chain, &Shape::Bound(place), &inside, errors)
            });
            self.choices[choice].ranges.push((first, self.nodes.len()));
            self.choices[choice].ends.push(end);
        }
        Shape::Choice(choice)
    }

    /// Adds the stages of a catch, and returns its number.
    pub(super) fn catch(
        &mut self,
        (chain, span): (&'a Chain, Span),
        before: &Shape,
        around: &Around,
        errors: &mut Errors,
    ) -> usize {
        let (catch, first) = (self.catches.len(), self.nodes.len());
        self.catches.push(Catch { range: (first, first), value: Shape::Hole });
        let mut inside = around.clone();
        inside.catches.push(catch);
        let value = self.walk(chain, before, &inside, errors);
        let end = self.nodes.len();
        // The last stage keeps the failure, of one catch only.
        let inner = self.catches[catch + 1..].iter().any(|inner| inner.range.1 == end && end > first);
        if inner {
            errors.push(errors::choice::nested_catch(span));
            self.sound = false;
        }
        self.catches[catch] = Catch { range: (first, end), value: if inner { Shape::Hole } else { value } };
        catch
    }

    /// For each stage, the stages that have run whenever it runs, if they are before it: they are in no arm and in no catch
    /// that is not around it.
    pub fn certain(&self) -> Vec<Vec<u64>> {
        self.sets(|of, other| {
            other.places.iter().all(|place| of.places.contains(place))
                && other.catches.iter().all(|catch| of.catches.contains(catch))
        })
    }

    /// For each stage, the stages that never run with it: they are in another arm of the same choice.
    pub fn excluded(&self) -> Vec<Vec<u64>> {
        self.sets(|of, other| {
            let differs = |a: &Place| other.places.iter().any(|b| a.choice == b.choice && a.arm != b.arm);
            of.places.iter().any(differs)
        })
    }

    /// For each stage, the stages in a catch that is not around it.
    pub fn caught(&self) -> Vec<Vec<u64>> {
        self.sets(|of, other| other.catches.iter().any(|catch| !of.catches.contains(catch)))
    }

    fn sets(&self, contains: impl Fn(&Node<'_>, &Node<'_>) -> bool) -> Vec<Vec<u64>> {
        let words = self.nodes.len().div_ceil(64);
        let set = |of: &Node<'_>| {
            let mut set = vec![0_u64; words];
            for (index, node) in self.nodes.iter().enumerate() {
                if contains(of, node) {
                    set[index / 64] |= 1 << (index % 64);
                }
            }
            set
        };
        self.nodes.iter().map(set).collect()
    }
}
