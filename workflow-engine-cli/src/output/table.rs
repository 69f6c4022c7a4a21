//! Tables for people.

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Row};
use console::{measure_text_width, truncate_str};

use super::{paint, text};

/// A table. On a narrow terminal, the cells of its last column are on lines of their own.
#[derive(Debug)]
pub struct Table {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
    numbers: Vec<usize>,
    status: Option<usize>,
}

/// The spaces between two columns.
const GAP: u16 = 2;

impl Table {
    /// Creates an empty table.
    pub fn new<T: Into<String>>(heads: impl IntoIterator<Item = T>) -> Self {
        let heads = heads.into_iter().map(Into::into).collect();
        Self { heads, rows: Vec::new(), numbers: Vec::new(), status: None }
    }

    /// Aligns the column with this index to the right.
    pub fn number(mut self, column: usize) -> Self {
        self.numbers.push(column);
        self
    }

    /// Paints the statuses of the column with this index.
    pub fn status(mut self, column: usize) -> Self {
        self.status = Some(column);
        self
    }

    /// Adds a row. Control characters of its texts are escaped.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(|cell| text::line(cell.as_ref())).collect());
    }

    /// Returns the lines, at most `width` columns wide. Where a line is too long, the last cells are on lines of their own.
    pub(super) fn lines(mut self, width: Option<usize>, is_painted: bool) -> Vec<String> {
        let mut lines = self.aligned();
        let width = width.filter(|width| lines.iter().any(|line| measure_text_width(line) > *width));
        let mut last = vec![None; self.rows.len()];
        if width.is_some() {
            self.heads.pop();
            last = self.rows.iter_mut().map(Vec::pop).collect();
            lines = self.aligned();
        }
        let fit = |line: String| match width {
            Some(width) => truncate_str(&line, width, "…").into_owned(),
            None => line,
        };
        let status = self.status.filter(|_| is_painted).map(|column| (column, self.start_of(column)));
        let mut lines = lines.into_iter().map(fit);
        let mut fitted: Vec<String> = lines.by_ref().take(usize::from(!self.heads.is_empty())).collect();
        for ((line, row), last) in lines.zip(&self.rows).zip(last) {
            fitted.push(match status {
                Some((column, start)) => painted(&line, start, row.get(column)),
                None => line,
            });
            fitted.extend(last.filter(|last| !last.is_empty()).map(|last| fit(format!("    {last}"))));
        }
        fitted
    }

    /// Returns where a column begins.
    fn start_of(&self, column: usize) -> usize {
        let rows = || std::iter::once(&self.heads).chain(&self.rows);
        let cells = |column: usize| rows().filter_map(move |row| row.get(column));
        let widths =
            (0..column).map(|column| cells(column).map(|cell| measure_text_width(cell)).max().unwrap_or(0));
        widths.map(|width| width.max(1) + usize::from(GAP)).sum()
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
            column.set_padding((0, GAP));
        }
        table.lines().map(|line| line.trim_end().to_owned()).collect()
    }
}

/// Paints the cell with a status that begins at this column of the terminal.
fn painted(line: &str, start: usize, cell: Option<&String>) -> String {
    let (mut byte, mut width) = (0, 0);
    for character in line.chars() {
        if width >= start {
            break;
        }
        byte += character.len_utf8();
        width += measure_text_width(character.encode_utf8(&mut [0; 4]));
    }
    let (before, rest) = line.split_at(byte);
    let painted =
        cell.and_then(|cell| Some((paint::status(cell)?.apply_to(cell), rest.strip_prefix(cell.as_str())?)));
    // A narrow terminal may have cut it.
    painted.map_or_else(|| line.to_owned(), |(cell, after)| format!("{before}{cell}{after}"))
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
        let lines = table().lines(None, false);
        assert_eq!(lines, ["STAGE      COST  ERROR", "load        0.5  no\\nroute", "summarize    12"]);
    }

    #[test]
    fn a_narrow_terminal_gets_the_last_cells_on_lines_of_their_own() {
        assert_eq!(table().lines(Some(80), false), table().lines(None, false));
        let narrow = ["STAGE      COST", "load        0.5", "    no\\nroute", "summarize    12"];
        assert_eq!(table().lines(Some(20), false), narrow);
        assert_eq!(table().lines(Some(8), false)[2], "    no\\…");
    }

    #[test]
    fn only_the_status_has_a_colour() {
        let mut table = Table::new(["STAGE", "STATUS", "ERROR"]).status(1);
        table.row(["FAILED", "COMPLETED", "FAILED"]);
        table.row(["größe", "odd", ""]);
        table.row(["größer", "FAILED", "no route"]);
        let lines = table.lines(None, true);
        assert_eq!(lines[0], "STAGE   STATUS     ERROR");
        assert_eq!(lines[1], "FAILED  \u{1b}[32mCOMPLETED\u{1b}[0m  FAILED");
        assert_eq!(lines[2], "größe   odd");
        assert_eq!(lines[3], "größer  \u{1b}[31m\u{1b}[1mFAILED\u{1b}[0m     no route");
    }
}
