//! Google's Gemini, over its own API (`v1beta` of `generativelanguage.googleapis.com`).

mod request;
mod content;
mod response;
mod stream;
mod embed;
mod batch;
mod operation;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::Value;

use super::parts::parts;
use crate::ai::batch::BatchProvider;
use crate::ai::error::AiError;
use crate::ai::http::{Endpoint, lay_over};
use crate::ai::provider::AiProvider;
use crate::ai::request::{EmbedRequest, GenerateRequest};
use crate::ai::response::{EmbedResponse, GenerateResponse, GenerateStream};

const ID: &str = "google";
const BASE_URL: &str = "https://generativelanguage.googleapis.com";

#[async_trait]
impl AiProvider for Gemini {
    fn id(&self) -> &str {
        ID
    }

    async fn generate(&self, request: &GenerateRequest) -> Result<GenerateResponse, AiError> {
        let path = path(&request.model.id, "generateContent");
        let body = self.endpoint.post(&path, &self.body(request), request.timeout).await?;
        response::read(body, &self.endpoint)
    }

    async fn stream(&self, request: &GenerateRequest) -> Result<GenerateStream, AiError> {
        let path = path(&request.model.id, "streamGenerateContent");
        let body = self.body(request);
        let events = self.endpoint.clone().query("alt", "sse").events(&path, &body, request.timeout).await?;
        Ok(parts(ID, events, stream::Answer::new(self.endpoint.clone(), body)))
    }

    async fn embed(&self, request: &EmbedRequest) -> Result<EmbedResponse, AiError> {
        let path = path(&request.model.id, "batchEmbedContents");
        let body = self.endpoint.post(&path, &embed::body(request), request.timeout).await?;
        embed::read(body, request, &self.endpoint)
    }

    fn batches(&self) -> Option<&dyn BatchProvider> {
        Some(self)
    }
}

impl Gemini {
    fn body(&self, request: &GenerateRequest) -> Value {
        let mut body = request::body(request);
        if let Some(options) = &request.provider_options {
            lay_over(&mut body, options);
        }
        body
    }
}

fn path(model: &str, method: &str) -> String {
    format!("v1beta/{}:{method}", request::model_path(model))
}
