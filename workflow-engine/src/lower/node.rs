//! A stage as a part of a workflow.

use super::graph::Node;
use super::table::StageRow;
use crate::language::Stage;

/// The node and the row of every stage, so that [`Stage`] itself does not depend on graphs and tables.
pub trait StageNode: Stage {
    /// The stage as a node of a graph.
    const NODE: Node = Node::of(Self::PATH, &Self::DECLARATION);

    /// The stage as a row of a workflow's table.
    const ROW: StageRow = StageRow::of::<Self>();
}

#[diagnostic::do_not_recommend]
impl<S: Stage> StageNode for S {}
