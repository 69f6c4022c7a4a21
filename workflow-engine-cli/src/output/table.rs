//! Tables for people.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Row};

use super::text;

/// A table. On a narrow terminal, the cells of its last column are on lines of their own.
#[derive(Debug)]
pub struct Table {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
    numbers: Vec<usize>,
}

impl Table {
    /// Creates an empty table.
    pub fn new<T: Into<String>>(heads: impl IntoIterator<Item = T>) -> Self {
        Self { heads: heads.into_iter().map(Into::into).collect(), rows: Vec::new(), numbers: Vec::new() }
    }

    /// Aligns the column with this index to the right.
    pub fn number(mut self, column: usize) -> Self {
        self.numbers.push(column);
        self
    }

    /// Adds a row. Control characters of its texts are escaped.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(|cell| text::line(cell.as_ref())).collect());
    }

    /// Returns the lines, at most `width` columns wide. Where a line is too long, the last cells are on lines of their own.
    pub(super) fn lines(mut self, width: Option<usize>) -> Vec<String> {
        let lines = self.aligned();
        let Some(width) = width else { return lines };
        if lines.iter().all(|line| console::measure_text_width(line) <= width) {
            return lines;
        }
        self.heads.pop();
        let last: Vec<Option<String>> = self.rows.iter_mut().map(Vec::pop).collect();
        let has_head = !self.heads.is_empty();
        let mut lines = self.aligned().into_iter();
        let mut fitted: Vec<String> = lines.by_ref().take(usize::from(has_head)).collect();
        for (line, last) in lines.zip(last) {
            fitted.push(line);
            fitted.extend(last.filter(|last| !last.is_empty()).map(|last| format!("    {last}")));
        }
        fitted.iter().map(|line| console::truncate_str(line, width, "…").into_owned()).collect()
    }

    fn aligned(&self) -> Vec<String> {
        let mut table = comfy_table::Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if !self.heads.is_empty() {
            table.set_header(&self.heads);
        }
        for row in &self.rows {
            let cells = row.iter().enumerate().map(|(column, cell)| {
                let alignment =
                    if self.numbers.contains(&column) { CellAlignment::Right } else { CellAlignment::Left };
                Cell::new(cell).set_alignment(alignment)
            });
            table.add_row(Row::from(cells.collect::<Vec<_>>()));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table.lines().map(|line| line.trim_end().to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["STAGE", "COST", "ERROR"]).number(1);
        table.row(["load", "0.5", "no\nroute"]);
        table.row(["summarize", "12", ""]);
        table
    }

    #[test]
    fn columns_are_aligned_and_no_line_ends_with_spaces() {
        let lines = table().lines(None);
        assert_eq!(lines, ["STAGE      COST  ERROR", "load        0.5  no\\nroute", "summarize    12"]);
    }

    #[test]
    fn a_narrow_terminal_gets_the_last_cells_on_lines_of_their_own() {
        assert_eq!(table().lines(Some(80)), table().lines(None));
        let narrow = ["STAGE      COST", "load        0.5", "    no\\nroute", "summarize    12"];
        assert_eq!(table().lines(Some(20)), narrow);
        assert_eq!(table().lines(Some(8))[2], "    no\\…");
    }
}
