//! Every protocol against the stand-in, which reads requests by the providers'
//! documentation and keeps books of its own.

use docmill_core::failure::FailureCode;
use docmill_core::price::Price;
use docmill_core::{PicoPerToken, Usd};
use docmill_llm::answer::{json_of, read};
use docmill_llm::{Billing, Finish, Provider, registry};
use docmill_testkit::standin::{self, Behaviour, Misbehaviour, Standin};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

use crate::fixtures::request;

const PROTOCOLS: [&str; 4] = ["openai", "openai-responses", "anthropic", "gemini"];

/// The clouds that sell others' models, with every way of saying who calls.
const CLOUDS: [&str; 9] = [
    "azure",
    "azure/deployment",
    "azure/client",
    "vertex",
    "vertex/service_account",
    "vertex/authorized_user",
    "bedrock",
    "bedrock/signed",
    "bedrock/profile",
];

async fn standin() -> Standin {
    Standin::start(standin::Config {
        api_key: Some("right".into()),
        ..standin::Config::default()
    })
    .await
    .expect("a stand-in on a free port")
}

/// The provider's client, pointed at the stand-in by the variables its own SDK uses.
fn client(name: &str, standin: &Standin, key: &str) -> Arc<dyn Provider> {
    let root = format!("http://{}", standin.address());
    let (provider, way) = name.split_once('/').unwrap_or((name, ""));
    let folder = tempfile::tempdir().unwrap();
    let file = credentials(folder.path(), &root, way, key);
    let env = |variable: &str| {
        let value = match (variable, way) {
            ("OPENAI_BASE_URL", _) => format!("{root}/v1"),
            (
                "ANTHROPIC_BASE_URL"
                | "GEMINI_BASE_URL"
                | "VERTEX_BASE_URL"
                | "AZURE_OPENAI_ENDPOINT"
                | "AZURE_AUTHORITY_HOST"
                | "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
                _,
            ) => root.clone(),
            ("AZURE_OPENAI_API_KEY", "deployment" | "client") => return None,
            ("AZURE_OPENAI_AD_TOKEN", "deployment") => key.to_owned(),
            ("OPENAI_API_VERSION", "deployment") => "2024-10-21".to_owned(),
            ("AZURE_TENANT_ID", _) => "tenant".to_owned(),
            ("AZURE_CLIENT_ID", "client") => standin::CLIENT_ID.to_owned(),
            ("AZURE_CLIENT_SECRET", "client") => key.to_owned(),
            ("GOOGLE_CLOUD_PROJECT", _) => "project".to_owned(),
            ("VERTEX_ACCESS_TOKEN", "") => key.to_owned(),
            ("GOOGLE_APPLICATION_CREDENTIALS", _) => file.clone(),
            ("AWS_REGION", "" | "signed") => "eu-central-1".to_owned(),
            ("AWS_BEARER_TOKEN_BEDROCK", "") => key.to_owned(),
            ("AWS_ACCESS_KEY_ID", "signed") => standin::CLIENT_ID.to_owned(),
            ("AWS_SECRET_ACCESS_KEY", "signed") => key.to_owned(),
            ("AWS_SHARED_CREDENTIALS_FILE", "profile") => file.clone(),
            ("AWS_PROFILE", "profile") => "work".to_owned(),
            (variable, _) if variable.ends_with("_API_KEY") => key.to_owned(),
            _ => return None,
        };
        Some(value)
    };
    registry::find(provider).unwrap().make(&env).unwrap()
}

/// The file of credentials that Google's or AWS's own tools would have written.
fn credentials(folder: &std::path::Path, root: &str, way: &str, key: &str) -> String {
    let id = standin::CLIENT_ID;
    let text = match way {
        "profile" => format!(
            "[default]\naws_access_key_id = other\naws_secret_access_key = other\n\n[work]\nregion = eu-central-1\n\
             aws_access_key_id = {id}\naws_secret_access_key = {key}\n"
        ),
        // Who has another key than the account's cannot sign for it: here, the address is another.
        "service_account" if key != "right" => json!({"type": way, "client_email": "me@example.org",
            "private_key": standin::SERVICE_ACCOUNT_KEY, "token_uri": format!("{root}/tenant/oauth2/v2.0/token?")})
        .to_string(),
        "service_account" => json!({"type": way, "client_email": "me@example.org",
            "private_key": standin::SERVICE_ACCOUNT_KEY, "token_uri": format!("{root}/token")})
        .to_string(),
        _ => json!({"type": "authorized_user", "client_id": id, "client_secret": key,
            "refresh_token": key, "token_uri": format!("{root}/token")})
        .to_string(),
    };
    let path = folder.join("credentials");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn answers_follow_the_schema_and_the_books_agree() {
    for name in PROTOCOLS.into_iter().chain(CLOUDS) {
        let standin = standin().await;
        let client = client(name, &standin, "right");
        client.probe("gpt-4o-mini").await.unwrap();
        // Clouds have no list of what this key may call.
        if !CLOUDS.contains(&name) {
            let unknown = client.probe("gpt-4o-mega").await.unwrap_err();
            assert_eq!(unknown.failure.code, FailureCode::UnknownModel, "{name}");
        }
        let request = request("Invoice 2026-17\nTotal 12.00 EUR\n");
        let answer = client.call(&request).await.unwrap();
        assert_eq!(answer.finish, Finish::Stop, "{name}");
        let data = json_of(&answer.text).unwrap();
        assert!(
            data["number"].is_string() && data["total"].is_number(),
            "{name}: {data}"
        );
        let usage = answer.usage.unwrap();
        let price = Price {
            input: PicoPerToken(150_000),
            output: PicoPerToken(600_000),
            ..Price::free("test")
        };
        let billed = standin.totals();
        assert_eq!(billed.billed, 1, "{name}");
        let cost = Usd::from_nanos(i64::try_from(billed.cost_nanos).unwrap());
        assert_eq!(price.cost(&usage).unwrap(), cost, "{name}");
        let bound = client.bound(&request);
        assert!(usage.total_input() <= bound.input_tokens, "{name}");
        assert!(usage.output_tokens <= bound.output_tokens, "{name}");
    }
}

/// What is refused, what may have cost, and when to come back, in every protocol's own words.
#[tokio::test]
async fn failures_are_classified_in_every_protocol() {
    use FailureCode as C;
    use Misbehaviour as M;
    let cases = [
        (M::RateLimited, C::RateLimited, Billing::NotBilled),
        (M::InsufficientQuota, C::BalanceExhausted, Billing::NotBilled),
        (M::DailyQuota, C::DailyQuota, Billing::NotBilled),
        (M::UnknownModel, C::UnknownModel, Billing::NotBilled),
        (M::ContextLength, C::PromptTooLong, Billing::NotBilled),
        (M::InternalErrorUnbilled, C::ProviderError, Billing::NotBilled),
        (M::InternalError, C::ProviderError, Billing::Unknown),
        (M::Overloaded529, C::ProviderError, Billing::NotBilled),
        (M::Loading503, C::ModelLoading, Billing::NotBilled),
        (M::ResetAfterBilling, C::ConnectionFailed, Billing::Unknown),
        (M::InvalidEnvelope, C::ProviderError, Billing::Unknown),
    ];
    for name in PROTOCOLS.into_iter().chain(CLOUDS) {
        for (wrong, code, billing) in cases {
            let standin = standin().await;
            standin.next([wrong]);
            // Azure bills prompts that are too long.
            let is_billed = name.starts_with("azure") && code == C::PromptTooLong;
            let billing = if is_billed { Billing::Unknown } else { billing };
            let error = client(name, &standin, "right")
                .call(&request("Invoice 1"))
                .await
                .expect_err("a failure was planned");
            assert_eq!(error.failure.code, code, "{name} {wrong:?}: {error}");
            assert_eq!(error.billing, billing, "{name} {wrong:?}: {error}");
            assert!(
                billing == Billing::Unknown || standin.totals().billed == 0,
                "{name} {wrong:?} was billed and reported as free"
            );
            // AWS does not say when to come back.
            if wrong == M::RateLimited && !name.starts_with("bedrock") {
                assert_eq!(
                    error.signals.retry_after,
                    Some(Duration::from_millis(1500)),
                    "{name}"
                );
            }
        }
        let standin = standin().await;
        let error = client(name, &standin, "wrong")
            .call(&request("x"))
            .await
            .unwrap_err();
        assert_eq!(error.failure.code, C::KeyRefused, "{name}");
    }
}

#[tokio::test]
async fn ends_and_limits_are_read_in_every_protocol() {
    for name in PROTOCOLS.into_iter().chain(CLOUDS) {
        let standin = standin().await;
        let client = client(name, &standin, "right");
        let request = request("Invoice 1");
        standin.next([Misbehaviour::Length]);
        assert_eq!(
            client.call(&request).await.unwrap().finish,
            Finish::Length,
            "{name}"
        );
        standin.next([Misbehaviour::ContentFilter]);
        let filtered = client.call(&request).await.unwrap().finish;
        assert!(
            matches!(filtered, Finish::ContentFilter | Finish::Refusal),
            "{name}: {filtered:?}"
        );
        standin.behave(Behaviour {
            requests_per_minute: Some(3),
            tokens_per_minute: Some(100_000),
            ..Behaviour::default()
        });
        let signals = client.call(&request).await.unwrap().signals;
        let provider = name.split('/').next();
        if !matches!(provider, Some("gemini" | "vertex" | "bedrock")) {
            assert_eq!(
                (signals.requests_limit, signals.requests_remaining),
                (Some(3), Some(2)),
                "{name}"
            );
            assert_eq!(signals.tokens_limit, Some(100_000), "{name}");
            assert!(signals.requests_reset.is_some(), "{name}");
        }
        client.call(&request).await.unwrap();
        client.call(&request).await.unwrap();
        let error = client.call(&request).await.unwrap_err();
        assert_eq!(error.failure.code, FailureCode::RateLimited, "{name}");
        if provider == Some("bedrock") {
            continue;
        }
        let wait = error.signals.retry_after.expect("when to come back");
        assert!(
            wait > Duration::from_secs(5) && wait < Duration::from_secs(31),
            "{name}: {wait:?}"
        );
    }
}

/// Whatever a model or a server wraps an answer in, it is paid once and used.
#[tokio::test]
async fn wrapped_answers_are_used() {
    use Misbehaviour as M;
    let standin = standin().await;
    let client = client("openai", &standin, "right");
    let request = request("Invoice 1");
    let wanted = |value: serde_json::Value| match value.get("number").is_some() {
        true => Ok(value),
        false => Err("it has no number"),
    };
    let plain = read(&client.call(&request).await.unwrap().text, wanted).unwrap();
    let wrappings = [
        M::Thoughts,
        M::Prose,
        M::ListOfOne,
        M::TextOfObject,
        M::Twice,
        M::TrailingComma,
        M::ObjectInReasoning,
        M::EventStream,
        M::ByteOrderMark,
        M::FencedJson,
    ];
    for wrong in wrappings {
        standin.next([wrong]);
        let answer = client.call(&request).await.unwrap();
        let read = read(&answer.text, wanted).unwrap_or_else(|why| panic!("{wrong:?}: {why:?}"));
        assert_eq!(read.accepted, plain.accepted, "{wrong:?}");
        assert!(answer.usage.is_some(), "{wrong:?}");
    }
    assert_eq!(
        standin.totals().billed,
        1 + wrappings.len() as u64,
        "none was bought twice"
    );
}

#[tokio::test]
async fn counts_that_cannot_be_are_none_in_every_protocol() {
    for name in PROTOCOLS.into_iter().chain(CLOUDS) {
        let standin = standin().await;
        let client = client(name, &standin, "right");
        let request = request("Invoice 1");
        let plain = client.call(&request).await.unwrap().usage;
        for (wrong, usage) in [
            (Misbehaviour::ZeroUsage, None),
            (Misbehaviour::NegativeUsage, None),
            (Misbehaviour::MissingUsage, None),
            (Misbehaviour::UsageAsText, plain),
        ] {
            standin.next([wrong]);
            assert_eq!(
                client.call(&request).await.unwrap().usage,
                usage,
                "{name} {wrong:?}"
            );
        }
    }
}

/// The parameter a refusal names is left out or renamed inside the same call, once for the model.
#[tokio::test]
async fn refused_parameters_are_learned_at_no_cost() {
    use Misbehaviour as M;
    let standin = Standin::start(standin::Config::default()).await.unwrap();
    let config = docmill_llm::compatible::Config::for_server(&standin.base_url(), |_| None).unwrap();
    let client = docmill_llm::compatible::Compatible::new(config).unwrap();
    let request = request("Invoice 1");
    standin.next([M::NoTemperature, M::NoMaxTokens, M::NoSchemaMode]);
    client.call(&request).await.unwrap();
    let totals = standin.totals();
    assert_eq!(
        (totals.refused, totals.billed),
        (3, 1),
        "three lessons and one answer"
    );
    standin.next([M::NoTemperature, M::NoMaxTokens]);
    client.call(&request).await.unwrap();
    client.call(&request).await.unwrap();
    assert_eq!(
        standin.totals().refused,
        3,
        "nothing that was refused is sent again"
    );
}

/// The stable part of the prompt is marked, read from the cache from the second call on, and
/// priced so by both sides.
#[tokio::test]
async fn the_stable_part_of_the_prompt_is_cached_and_priced() {
    let standin = standin().await;
    let client = client("anthropic", &standin, "right");
    let mut first = request("Invoice 1");
    first.system = format!("{}\n{}", first.system, "Mind the small print. ".repeat(400)).into();
    let mut second = request("Invoice 2");
    second.system = Arc::clone(&first.system);
    let price = Price {
        input: PicoPerToken(150_000),
        cached_input: Some(PicoPerToken(15_000)),
        cache_write: Some(PicoPerToken(187_500)),
        output: PicoPerToken(600_000),
        origin: "test".into(),
    };
    let mut paid = 0;
    let written = client.call(&first).await.unwrap().usage.unwrap();
    assert!(
        written.cache_write_tokens > 1024 && written.cached_input_tokens == 0,
        "{written:?}"
    );
    let cached = client.call(&second).await.unwrap().usage.unwrap();
    assert!(
        cached.cached_input_tokens > 1024 && cached.cache_write_tokens == 0,
        "{cached:?}"
    );
    for usage in [written, cached] {
        paid += price.cost(&usage).unwrap().nanos();
    }
    let billed = i64::try_from(standin.totals().cost_nanos).unwrap();
    assert!((paid - billed).abs() <= 2, "{paid} {billed}: both round up");
}
