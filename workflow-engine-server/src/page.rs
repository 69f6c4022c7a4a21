//! Pages of lists, with cursors that are tied to their list and filter.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use workflow_engine::{Cursor, List, Page};

use crate::problem::Problem;

/// The items of a page unless the caller sets it.
const DEFAULT: u16 = 50;
/// The most items of a page.
const MAX: u16 = 200;
/// The bytes of a cursor that identify its list.
const MARK: usize = 6;

/// The part of a list that is returned.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// The most items, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    pub(crate) limit: Option<u16>,
    /// The `next` of the previous page.
    pub(crate) after: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PageView<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins: pass it as `after`. Absent after the last item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// For a search that stopped because its time was used up: the instant back to which it has searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searched_to: Option<DateTime<Utc>>,
}

/// A list, and the place where its page begins.
pub(crate) struct Place {
    /// What identifies the list and its filter.
    mark: [u8; MARK],
    limit: usize,
    after: Option<Cursor>,
}

impl Place {
    /// Reads the place in the list that this text identifies.
    ///
    /// # Errors
    /// 400 for a limit out of its range; 422 for a cursor of another list or filter.
    pub(crate) fn new(
        list: &impl Serialize,
        limit: Option<u16>,
        after: Option<&str>,
    ) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(DEFAULT);
        if !(1..=MAX).contains(&limit) {
            return Err(Problem::malformed(format!("`limit` is 1 to {MAX}, and not {limit}")));
        }
        let hash = Sha256::digest(serde_json::to_vec(list).unwrap_or_default());
        let mut mark = [0; MARK];
        mark.copy_from_slice(&hash[..MARK]);
        let after = after.map(|after| cursor(mark, after)).transpose()?;
        Ok(Self { mark, limit: limit.into(), after })
    }

    /// Reads the page.
    pub(crate) async fn read<T: Send + 'static>(&self, list: List<T>) -> Result<Page<T>, Problem> {
        let list = list.limit(self.limit);
        let list = match &self.after {
            Some(after) => list.after(after.clone()),
            None => list,
        };
        Ok(list.await?)
    }

    /// Makes the view of a page.
    pub(crate) fn view<T, V>(&self, mut page: Page<T>, view: impl FnMut(T) -> V) -> PageView<V> {
        let items = std::mem::take(&mut page.items);
        self.with_items(page, items.into_iter().map(view).collect())
    }

    /// Makes the view of a page with these items in place of its own.
    pub(crate) fn with_items<T, V>(&self, page: Page<T>, items: Vec<V>) -> PageView<V> {
        let next = page.next.map(|next| self.text(&next));
        PageView { items, next, searched_to: page.searched_to }
    }

    fn text(&self, cursor: &Cursor) -> String {
        let mut bytes = self.mark.to_vec();
        bytes.extend(cursor.to_string().into_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

impl<T> PageView<T> {
    /// Makes a page of a list that has no more.
    pub(crate) const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None, searched_to: None }
    }
}

fn cursor(mark: [u8; MARK], text: &str) -> Result<Cursor, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let own = bytes.as_ref().and_then(|bytes| bytes.strip_prefix(&mark));
    let text = own.and_then(|own| std::str::from_utf8(own).ok());
    let cursor = text.and_then(|text| text.parse().ok());
    cursor.ok_or_else(|| {
        let detail = "`after` is not a cursor of this list and filter";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_CURSOR", detail)
    })
}
