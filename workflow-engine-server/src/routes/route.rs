//! One route: its handler, what it needs, and how the document describes it.

use axum::handler::Handler;
use axum::routing::{MethodRouter, delete, get, post, put};
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::BASE;
use crate::app::App;
use crate::authorize::Need;
use crate::grant::Grant;

/// Makes the schema of a type.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// One route.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// The name of the operation in the document.
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    /// What its caller needs; `None` for everyone.
    pub(crate) need: Option<Need>,
    pub(crate) query: Option<SchemaOf>,
    /// The headers that it reads.
    pub(crate) headers: Vec<&'static str>,
    pub(crate) body: Option<SchemaOf>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) handler: MethodRouter<App>,
}

/// One successful answer of a route.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    /// The media types, each with its schema.
    pub(crate) content: Vec<(&'static str, Option<SchemaOf>)>,
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// An object itself and no reference to it, because its fields become parameters.
fn fields_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

impl Route {
    /// A route that reads.
    pub(crate) fn get<H, T>(path: &str, id: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(Method::GET, path, id, get(handler))
    }

    /// A route that changes something. It needs the grant `operate`.
    pub(crate) fn post<H, T>(path: &str, id: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(Method::POST, path, id, post(handler)).write()
    }

    pub(crate) fn put<H, T>(path: &str, id: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(Method::PUT, path, id, put(handler)).write()
    }

    pub(crate) fn delete<H, T>(path: &str, id: &'static str, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(Method::DELETE, path, id, delete(handler)).write()
    }

    fn new(method: Method, path: &str, id: &'static str, handler: MethodRouter<App>) -> Self {
        Self {
            method,
            path: format!("{BASE}{path}"),
            id,
            summary: "",
            need: Some(Need { grant: Grant::Read, is_write: false }),
            query: None,
            headers: Vec::new(),
            body: None,
            answers: Vec::new(),
            handler,
        }
    }

    fn write(mut self) -> Self {
        self.need = Some(Need { grant: Grant::Operate, is_write: true });
        self
    }

    pub(crate) fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Asks its caller for the grant `read+payloads`.
    pub(crate) fn payloads(mut self) -> Self {
        self.need = Some(Need { grant: Grant::ReadPayloads, is_write: false });
        self
    }

    /// Lets everyone call it.
    pub(crate) fn public(mut self) -> Self {
        self.need = None;
        self
    }

    /// Is outside of the versioned API.
    pub(crate) fn at_root(mut self) -> Self {
        self.path = self.path.trim_start_matches(BASE).to_owned();
        self
    }

    pub(crate) fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(fields_of::<T>);
        self
    }

    pub(crate) fn header(mut self, name: &'static str) -> Self {
        self.headers.push(name);
        self
    }

    pub(crate) fn body<T: JsonSchema>(mut self) -> Self {
        self.body = Some(schema_of::<T>);
        self
    }

    /// Answers with JSON of this type.
    pub(crate) fn json<T: JsonSchema>(self, status: u16, description: &'static str) -> Self {
        self.answer(status, description, vec![("application/json", Some(schema_of::<T> as SchemaOf))])
    }

    /// Answers with other content.
    pub(crate) fn answer(
        mut self,
        status: u16,
        description: &'static str,
        content: Vec<(&'static str, Option<SchemaOf>)>,
    ) -> Self {
        self.answers.push(Answer { status, description, content });
        self
    }

    /// Also answers with lines, one item each.
    pub(crate) fn lines(mut self) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.content.push((crate::ndjson::MEDIA_TYPE, None));
        }
        self
    }
}
