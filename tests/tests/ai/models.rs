//! The registry of models, and the calls that are refused before anything is sent.

use std::sync::Arc;

use workflow_engine::Cost;
use workflow_engine::ai::{
    AiClient, AiErrorKind, AiSession, AiTool, ContentCapture, MemoryLedger, ModelConfig, ModelFilter,
    ModelRegistry, ScriptedProvider, Usage,
};

fn model(provider: &str) -> ModelConfig {
    let models = ModelRegistry::builtin();
    ModelConfig { provider: provider.into(), ..models.get("gpt-5.4-mini").unwrap().clone() }
}

fn few() -> ModelRegistry {
    let mut models = ModelRegistry::new();
    models.register_models([("slow", model("a")), ("fast", model("b")), ("faster", model("a"))]).unwrap();
    models
}

fn session(models: ModelRegistry) -> (AiSession, Arc<MemoryLedger>) {
    let client = AiClient::builder().models(models).provider(ScriptedProvider::new("test")).build().unwrap();
    let ledger = Arc::new(MemoryLedger::new());
    (AiSession::new(&client, "t", ledger.clone()), ledger)
}

#[test]
fn built_in_models_have_prices_limits_and_dates() {
    let models = ModelRegistry::builtin();
    let all = models.list_models(&ModelFilter::new());
    let providers: std::collections::BTreeSet<&str> =
        all.iter().map(|(_, model)| model.provider.as_str()).collect();
    assert_eq!(providers.into_iter().collect::<Vec<_>>(), ["anthropic", "google", "openai"]);
    for (key, model) in all {
        assert_eq!(key, model.id);
        assert!(model.input_cost_per_million > Cost::ZERO, "{key}");
        assert_eq!(model.is_embedding_model, model.output_cost_per_million == Cost::ZERO, "{key}");
        assert!(
            model.cached_input_cost_per_million.is_none_or(|cached| cached < model.input_cost_per_million)
        );
        assert!(model.context_length.is_some(), "{key}");
        let date: chrono::NaiveDate = model.priced_at.as_ref().unwrap().parse().unwrap();
        assert!(date >= "2024-01-01".parse().unwrap(), "{key}");
    }
    assert!(models.get(&workflow_engine::presets::AiConfig::default().model).is_ok(), "the preset's model");
}

#[test]
fn the_filter_selects_models_in_order() {
    let models = few();
    let keys = |filter: ModelFilter| -> Vec<String> {
        models.list_models(&filter).into_iter().map(|(key, _)| key.to_owned()).collect()
    };
    assert_eq!(keys(ModelFilter::new()), ["fast", "faster", "slow"]);
    assert_eq!(keys(ModelFilter::new().provider("a")), ["faster", "slow"]);
    assert_eq!(keys(ModelFilter::new().provider("a").tools(false)), [""; 0]);
    assert_eq!(keys(ModelFilter::new().embedding(false).async_batch(true).structured_outputs(true)).len(), 3);
}

#[test]
fn an_unknown_model_error_lists_the_registered_models() {
    let error = few().get("fats").unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::NotFound);
    assert_eq!(error.to_string(), "model `fats` is not registered; registered are: `fast`, `faster`, `slow`");
    let error = few().calculate_cost("slo", &Usage::default(), false).unwrap_err();
    assert_eq!(error.to_string(), "model `slo` is not registered; registered are: `slow`, `fast`, `faster`");
    let error = ModelRegistry::new().get("any").unwrap_err();
    assert_eq!(error.to_string(), "model `any` is not registered; none is registered");
}

#[tokio::test]
async fn an_unknown_provider_error_lists_the_registered_providers() {
    let (session, ledger) = session(few());
    let error = session.generate_text("slow", "?").await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::NotFound);
    assert_eq!(
        error.to_string(),
        "model `slow` cannot be called: provider `a` is not registered; registered are: `test`; add it with \
         `AiClientBuilder::provider`"
    );
    assert!(ledger.calls().is_empty(), "a call that is not sent has no row");
}

#[test]
fn invalid_models_are_not_registered() {
    let mut models = few();
    for (key, broken, message) in [
        ("", model("a"), "a model has an empty key"),
        ("m", ModelConfig { id: String::new(), ..model("a") }, "model `m` needs an id and a provider"),
        ("m", model(""), "model `m` needs an id and a provider"),
        (
            "m",
            ModelConfig { batch_discount_percent: 101, ..model("a") },
            "model `m` has a batch discount of 101 percent",
        ),
    ] {
        let error = models.register_models([("good", model("a")), (key, broken)]).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (AiErrorKind::InvalidRequest, message));
    }
    assert_eq!(models, few(), "all or none");
    let two = AiClient::builder().provider(ScriptedProvider::new("x")).provider(ScriptedProvider::new("x"));
    assert_eq!(two.build().unwrap_err().to_string(), "two providers have the id `x`");
}

#[tokio::test]
async fn a_call_that_the_model_does_not_support_is_refused_before_it_is_sent() {
    let plain = ModelConfig {
        supports_tools: false,
        supports_structured_outputs: false,
        supports_async_batch: false,
        ..model("test")
    };
    let embeds = ModelConfig { is_embedding_model: true, ..model("test") };
    let mut models = ModelRegistry::new();
    models.register_models([("plain", plain), ("embeds", embeds)]).unwrap();
    let (session, ledger) = session(models);
    let tool = AiTool::new("t", "T.", async |(): ()| Ok::<_, String>(()));
    let errors = [
        session.generate_text("plain", "?").tool(tool).await.unwrap_err(),
        session.generate_object::<u32>("plain", "?").await.unwrap_err(),
        session.batch("plain").submit([("a", "?")]).await.unwrap_err(),
        session.embed("plain", "?").await.unwrap_err(),
        session.generate_text("embeds", "?").await.unwrap_err(),
        session.stream_text("embeds", "?").await.unwrap_err(),
    ];
    let texts = errors.each_ref().map(ToString::to_string);
    assert!(errors.iter().all(|error| error.kind() == AiErrorKind::Unsupported), "{texts:?}");
    assert_eq!(
        texts,
        [
            "model `plain` does not support tools (`supports_tools` is not set)",
            "model `plain` does not support schemas (`supports_structured_outputs` is not set)",
            "model `plain` does not support batches (`supports_async_batch` is not set)",
            "model `plain` is not an embedding model (`is_embedding_model` is not set)",
            "model `embeds` is an embedding model: call `embed`",
            "model `embeds` is an embedding model: call `embed`",
        ]
    );
    assert!(ledger.calls().is_empty());
}

#[tokio::test]
async fn an_invalid_call_is_refused_before_it_is_sent() {
    let mut models = ModelRegistry::new();
    let vectors = ModelConfig { is_embedding_model: true, ..model("test") };
    models.register_models([("m", model("test")), ("v", vectors)]).unwrap();
    let (session, ledger) = session(models);
    let tool = |name: &str| AiTool::new(name, "T.", async |(): ()| Ok::<_, String>(()));
    let text = || session.generate_text("m", "?");
    let batch = |ids: [&str; 2]| session.batch("m").submit(ids.map(|id| (id, "?")));
    let refused = [
        (text().temperature(2.1).await.unwrap_err(), "the temperature is not between 0 and 2"),
        (text().temperature(f64::NAN).await.unwrap_err(), "the temperature is not between 0 and 2"),
        (text().max_tokens(0).await.unwrap_err(), "`max_tokens` is 0"),
        (
            session.generate_text("m", Vec::<workflow_engine::ai::Message>::new()).await.unwrap_err(),
            "no messages",
        ),
        (text().tool(tool("a b")).await.unwrap_err(), "`a b` is not a valid tool name"),
        (text().tool(tool("a")).tool(tool("a")).await.unwrap_err(), "`a` is the name of two tools"),
        (session.embed("v", Vec::<String>::new()).await.unwrap_err(), "there are no texts"),
        (batch(["a", "a"]).await.unwrap_err(), "two items of the batch have the custom id `a`"),
        (batch(["a", "ä"]).await.unwrap_err(), "`ä` is not a valid custom id"),
        (session.batch("m").submit([("", "?"); 0]).await.unwrap_err(), "the batch has no items"),
    ];
    for (error, expected) in refused {
        assert_eq!(error.kind(), AiErrorKind::InvalidRequest);
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(ledger.calls().is_empty());
}

#[test]
fn a_client_shows_names_and_nothing_else() {
    let client = AiClient::builder().models(few()).provider(ScriptedProvider::new("test"));
    let shown = format!("{client:?}");
    assert!(shown.contains(r#"providers: ["test"]"#), "{shown}");
    let client = client.capture_prompts(ContentCapture::Off).build().unwrap();
    let shown = format!("{client:?}");
    assert!(shown.contains(r#"models: ["fast", "faster", "slow"]"#), "{shown}");
}

/// Nested arrays in an object, more than a thread's stack has room for.
fn deep() -> serde_json::Value {
    let deep = (0..6_000).fold(serde_json::Value::Null, |inner, _| serde_json::Value::Array(vec![inner]));
    serde_json::Value::Object([("deep".to_owned(), deep)].into_iter().collect())
}

#[tokio::test]
async fn provider_options_of_thousands_of_levels_are_refused() {
    let mut models = ModelRegistry::new();
    models.register_models([("m", model("test"))]).unwrap();
    let (session, _) = session(models);
    let error = session.generate_text("m", "?").provider_options(deep()).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::InvalidRequest, "{error}");
    assert!(error.to_string().contains("nest more than 127 levels"), "{error}");
}
