//! A stage as `workflow!` sees it.

use super::graph::Node;
use super::table::StageRow;
use crate::stage::Stage;

/// Every stage, with what a graph and a table need of it; so [`Stage`] itself knows neither.
pub trait StageNode: Stage {
    /// The stage as a node of a graph.
    const NODE: Node = Node::of(Self::PATH, Self::DECLARATION);

    /// The stage as a row of a workflow's table.
    const ROW: StageRow = StageRow::of::<Self>();
}

#[diagnostic::do_not_recommend]
impl<S: Stage> StageNode for S {}
