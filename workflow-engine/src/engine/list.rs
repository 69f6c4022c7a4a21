//! Lists that are read page by page.

use std::fmt;
use std::future::IntoFuture;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The most items of a page.
const MAX_PAGE: usize = 1_000;

/// The items of a page unless the caller sets it.
const DEFAULT_PAGE: usize = 100;

/// A list, read page by page: `.await` reads one page, [`List::stream`] all of them.
///
/// A page begins after the last item of the page before. So items that are added or deleted while you page do not move the
/// others: no item is missed, and none is returned twice.
///
/// ```
/// use futures_util::TryStreamExt;
/// use workflow_engine::{Engine, RunFilter};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").build().await?;
///
/// let page = engine.runs(&RunFilter::new()).limit(20).await?;
/// if let Some(next) = page.next {
///     let second = engine.runs(&RunFilter::new()).limit(20).after(next).await?;
/// #   drop(second);
/// }
///
/// let all: Vec<_> = engine.runs(&RunFilter::new()).stream().try_collect().await?;
/// assert!(all.is_empty());
/// # Ok(())
/// # }
/// ```
#[must_use = "a list is read when this is awaited or streamed"]
pub struct List<T> {
    read: Arc<Read<T>>,
    after: Option<Cursor>,
    limit: usize,
}

/// Reads one page: the items after a cursor, and the most of them.
type Read<T> = dyn Fn(Option<Cursor>, usize) -> BoxFuture<'static, Result<Page<T>, Error>> + Send + Sync;

/// One page of a [`List`].
///
/// As JSON: `{"items":[…],"next":"…"}`, where `next` is absent on the last page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// Where the next page begins: pass it to [`List::after`]. `None` after the last item. A page may have fewer items
    /// than its limit, or none, and still have a next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
    /// For a search that stopped because its time was used up: the instant back to which it has searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searched_to: Option<DateTime<Utc>>,
}

/// A place in a list, after one of its items. It is opaque, and belongs to the list that returned it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Cursor(String);

impl<T: Send + 'static> List<T> {
    pub(super) fn new<F>(read: impl Fn(Option<Cursor>, usize) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Page<T>, Error>> + Send + 'static,
    {
        let read: Arc<Read<T>> = Arc::new(move |after, limit| Box::pin(read(after, limit)));
        Self { read, after: None, limit: DEFAULT_PAGE }
    }

    /// Begins after the last item of another page: pass its [`Page::next`].
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// Sets the most items of a page, 1 to 1,000. Default 100.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Reads the items one after the other, page by page, to the end of the list. After an error the stream ends.
    #[must_use]
    pub fn stream(self) -> BoxStream<'static, Result<T, Error>> {
        let pages = stream::unfold(Some(self), |list| async {
            let list = list?;
            let Self { read, limit, .. } = &list;
            let (read, limit) = (Arc::clone(read), *limit);
            match list.page().await {
                Ok(page) => {
                    let next = page.next.map(|next| Self { read, after: Some(next), limit });
                    Some((Ok(page.items), next))
                }
                Err(error) => Some((Err(error), None)),
            }
        });
        let items = pages.flat_map(|page| match page {
            Ok(items) => stream::iter(items.into_iter().map(Ok).collect::<Vec<_>>()),
            Err(error) => stream::iter(vec![Err(error)]),
        });
        items.boxed()
    }

    fn page(self) -> BoxFuture<'static, Result<Page<T>, Error>> {
        if !(1..=MAX_PAGE).contains(&self.limit) {
            let limit = self.limit;
            let message = format!("a page has 1 to {MAX_PAGE} items, and not {limit}");
            return Box::pin(async { Err(Error::invalid_request(message)) });
        }
        (self.read)(self.after, self.limit)
    }
}

impl<T: Send + 'static> IntoFuture for List<T> {
    type Output = Result<Page<T>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.page()
    }
}

impl<T> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("after", &self.after).field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl<T> Page<T> {
    /// Makes a page of one more item than its limit, if there are as many: the last one only shows that another page
    /// follows.
    pub(super) fn of(mut items: Vec<T>, limit: usize, cursor: impl FnOnce(&T) -> Cursor) -> Self {
        let has_next = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_next).map(cursor);
        Self { items, next, searched_to: None }
    }
}

impl<T> Deref for Page<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> IntoIterator for Page<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'p, T> IntoIterator for &'p Page<T> {
    type Item = &'p T;
    type IntoIter = std::slice::Iter<'p, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl Cursor {
    /// Makes a cursor of a list, after an item.
    pub(super) fn new(list: &str, item: impl fmt::Display) -> Self {
        Self(format!("{list}.{item}"))
    }

    /// Returns the item of a cursor of this list.
    ///
    /// # Errors
    /// `INVALID_REQUEST` for a cursor of another list.
    pub(super) fn item<T: FromStr>(&self, list: &str) -> Result<T, Error> {
        let item = self.0.strip_prefix(list).and_then(|item| item.strip_prefix('.'));
        item.and_then(|item| item.parse().ok()).ok_or_else(|| self.refused(list))
    }

    /// Returns the error of a cursor that is not of this list.
    pub(super) fn refused(&self, list: &str) -> Error {
        let shown: String = self.0.chars().take(64).collect();
        Error::invalid_request(format!("{shown:?} is not a cursor of a list of {list}"))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Every text is a cursor; the list that receives it refuses one that is not its own.
impl FromStr for Cursor {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}
