//! Extracts the blocks of an HTML page.

use html2text::render::TrivialDecorator;
use html2text::{Handle, RcDom, config};
use workflow_engine::prelude::*;

use super::{Extracted, blocks};

/// The width of the rendering: wider than any paragraph, so that each line is one block.
const WIDTH: usize = 1 << 24;

/// Elements that frame a page and are not part of its content, or that are rendered as wide as the page.
const FRAME: [&str; 7] = ["nav", "footer", "aside", "form", "button", "svg", "hr"];

/// Returns the visible text; `<title>` is the title.
///
/// # Errors
/// Permanent: the page cannot be rendered.
pub fn extract(page: &str) -> StageResult<Extracted> {
    let unreadable = |error| StageError::permanent(format!("the page cannot be read as HTML: {error}"));
    let renderer = config::with_decorator(TrivialDecorator::new()).raw_mode(true);
    let dom = renderer.parse_html(page.as_bytes()).map_err(unreadable)?;
    let title = title(&dom);
    remove_frame(&dom);
    let tree = renderer.dom_to_render_tree(&dom).map_err(unreadable)?;
    let text = renderer.render_to_string(tree, WIDTH).map_err(unreadable)?;
    Ok(Extracted { title, blocks: text.lines().filter_map(blocks::tidy).collect() })
}

fn title(dom: &RcDom) -> Option<String> {
    // On a thread with a large stack: a page may nest too deeply for the current thread's stack.
    let mut open = vec![dom.document.clone()];
    while let Some(node) = open.pop() {
        if node.element_name().as_deref() == Some("title") {
            return text_of(&node);
        }
        open.extend(node.children.borrow().iter().rev().cloned());
    }
    None
}

/// Renders the title separately, because the rendering of the page omits the head.
fn text_of(title: &Handle) -> Option<String> {
    let mut markup = Vec::new();
    for child in title.children.borrow().iter() {
        child.serialize(&mut markup).ok()?;
    }
    let rendered =
        config::with_decorator(TrivialDecorator::new()).string_from_read(markup.as_slice(), WIDTH).ok()?;
    blocks::tidy(&rendered)
}

fn remove_frame(dom: &RcDom) {
    let mut open = vec![dom.document.clone()];
    while let Some(node) = open.pop() {
        node.children
            .borrow_mut()
            .retain(|child| !child.element_name().is_some_and(|name| FRAME.contains(&name.as_str())));
        open.extend(node.children.borrow().iter().cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_and_scripts_are_removed_and_blocks_stay_separate() {
        let page = "<!doctype html><html><head><title>Tides &amp; moons</title><style>p{}</style></head><body>\
                    <nav><a href='/'>Home</a></nav><script>let x = 1;</script><h1>Tides</h1>\
                    <p>Twice a <em>day</em>\nthe sea\nrises.</p><hr><ul><li>spring</li><li>neap</li></ul>\
                    <footer>All rights reserved</footer></body></html>";
        let extracted = extract(page).unwrap();
        assert_eq!(extracted.title.as_deref(), Some("Tides & moons"));
        assert_eq!(extracted.blocks, ["Tides", "Twice a day the sea rises.", "spring", "neap"]);
    }

    #[test]
    fn the_cells_of_a_table_are_text() {
        let extracted = extract("<table><tr><td>low</td><td>high</td></tr></table>").unwrap();
        assert_eq!(extracted.blocks.join(" "), "low high");
    }

    #[test]
    fn a_deeply_nested_page_is_read() {
        let page = format!("{}deep{}", "<div>".repeat(2_000), "</div>".repeat(2_000));
        assert_eq!(extract(&page).unwrap().blocks, ["deep"]);
    }
}
