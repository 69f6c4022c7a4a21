//! How an engine is given the client with which its stages call models.

use super::client::AiClient;
use crate::engine::EngineBuilder;

impl EngineBuilder {
    /// Whom stages call language models through, as [`ctx.ai()`](crate::StageContext::ai). The waits between their tries
    /// pass by this engine's clock. Default: nobody.
    pub fn ai(self, client: AiClient) -> Self {
        let client = client.with_clock(self.clock());
        self.extension(client)
    }
}
