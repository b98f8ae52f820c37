use docmill_core::failure::FailureCode as Code;

use super::*;
use Billing::{NotBilled, Unknown};

fn config() -> Config {
    let key = |name: &str| (name == "DOCMILL_API_KEY").then(|| "sk-mysecretkey".to_owned());
    Config::for_server("https://host.example/v1", key).unwrap()
}

/// Status, body, what it is, whether it may cost: as providers write them.
#[test]
fn refusals_are_classified() {
    let cases: &[(u16, &str, Code, Billing)] = &[
        // OpenAI
        (
            401,
            r#"{"error":{"message":"Incorrect API key provided: sk-ab***yz.","type":"invalid_request_error","code":"invalid_api_key"}}"#,
            Code::KeyRefused,
            NotBilled,
        ),
        (
            403,
            r#"{"error":{"message":"Country, region, or territory not supported","code":"unsupported_country_region_territory"}}"#,
            Code::KeyRefused,
            NotBilled,
        ),
        (
            404,
            r#"{"error":{"message":"The model `gpt-9` does not exist","code":"model_not_found"}}"#,
            Code::UnknownModel,
            NotBilled,
        ),
        (
            429,
            r#"{"error":{"message":"Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s.","type":"tokens","code":"rate_limit_exceeded"}}"#,
            Code::RateLimited,
            NotBilled,
        ),
        (
            429,
            r#"{"error":{"message":"Rate limit reached for gpt-4o on requests per day (RPD): Limit 200, Used 200.","code":"rate_limit_exceeded"}}"#,
            Code::DailyQuota,
            NotBilled,
        ),
        (
            429,
            r#"{"error":{"message":"Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000.","type":"tokens","code":"rate_limit_exceeded"}}"#,
            Code::PromptTooLong,
            NotBilled,
        ),
        (
            429,
            r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            Code::BalanceExhausted,
            NotBilled,
        ),
        (
            429,
            r#"{"error":{"message":"x","code":"organization_spend_limit_exceeded"}}"#,
            Code::BalanceExhausted,
            NotBilled,
        ),
        (
            429,
            r#"{"error":{"message":"x","code":"project_spend_limit_exceeded"}}"#,
            Code::BalanceExhausted,
            NotBilled,
        ),
        (
            429,
            r#"{"error":{"message":"x","type":"credit_balance_exhausted"}}"#,
            Code::BalanceExhausted,
            NotBilled,
        ),
        (
            429,
            r#"{"error":{"message":"x","code":"organization_usage_limit_exceeded"}}"#,
            Code::BalanceExhausted,
            NotBilled,
        ),
        (
            429,
            r#"{"error":{"message":"x","code":"billing_hard_limit_reached"}}"#,
            Code::BalanceExhausted,
            NotBilled,
        ),
        (
            400,
            r#"{"error":{"message":"This model's maximum context length is 128000 tokens.","code":"context_length_exceeded"}}"#,
            Code::PromptTooLong,
            NotBilled,
        ),
        (
            400,
            r#"{"error":{"message":"Invalid schema for response_format 'x': …","code":"invalid_request_error"}}"#,
            Code::RequestRefused,
            NotBilled,
        ),
        (
            500,
            r#"{"error":{"message":"The server had an error","type":"server_error"}}"#,
            Code::ProviderError,
            NotBilled,
        ),
        (
            503,
            r#"{"error":{"message":"The engine is currently overloaded","type":"server_error"}}"#,
            Code::ProviderError,
            NotBilled,
        ),
        // Anthropic's words through compatible endpoints
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}"#,
            Code::BalanceExhausted,
            NotBilled,
        ),
        (
            429,
            r#"{"type":"error","error":{"type":"enforced_spend_limit_reached","message":"x"}}"#,
            Code::BalanceExhausted,
            NotBilled,
        ),
        (
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            Code::ProviderError,
            NotBilled,
        ),
        // Gemini: a list around the object, quota ids in the details
        (
            400,
            r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}]"#,
            Code::KeyRefused,
            NotBilled,
        ),
        (
            429,
            r#"[{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel"}]}}]"#,
            Code::DailyQuota,
            NotBilled,
        ),
        (
            429,
            r#"[{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel"}]}}]"#,
            Code::RateLimited,
            NotBilled,
        ),
        (
            429,
            r#"[{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details. limit: 15.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"3s"}]}}]"#,
            Code::RateLimited,
            NotBilled,
        ),
        (
            429,
            r#"{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details. Quota exceeded for metric: x, limit: 0, model: g.","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]},{"retryDelay":"5s"}]}}"#,
            Code::BalanceExhausted,
            NotBilled,
        ),
        (
            429,
            r#"[{"error":{"code":429,"message":"Resource exhausted. Please try again later.","status":"RESOURCE_EXHAUSTED"}}]"#,
            Code::RateLimited,
            NotBilled,
        ),
        // Scaleway
        (
            429,
            r#"{"status":429,"error":"INSUFFICIENT QUOTA","message":"You exceeded your current limit of concurrent requests."}"#,
            Code::RateLimited,
            NotBilled,
        ),
        // OpenRouter, DeepSeek
        (
            402,
            r#"{"error":{"message":"Insufficient credits","code":402}}"#,
            Code::BalanceExhausted,
            NotBilled,
        ),
        (
            402,
            r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}"#,
            Code::BalanceExhausted,
            NotBilled,
        ),
        (
            400,
            r#"{"error":{"message":"foo/bar is not a valid model ID","code":400}}"#,
            Code::UnknownModel,
            NotBilled,
        ),
        // Local servers: FastAPI's "detail", llama.cpp, plain text
        (
            422,
            r#"{"detail":"Unprocessable"}"#,
            Code::RequestRefused,
            NotBilled,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error"}}"#,
            Code::PromptTooLong,
            NotBilled,
        ),
        (
            503,
            r#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#,
            Code::ModelLoading,
            NotBilled,
        ),
        (404, "404 page not found", Code::UnknownModel, NotBilled),
        // Proxies: nobody knows what happened behind them
        (
            502,
            "<html><head><title>502 Bad Gateway</title></head></html>",
            Code::ProviderError,
            Unknown,
        ),
        (
            503,
            "upstream connect error or disconnect/reset before headers",
            Code::ProviderError,
            Unknown,
        ),
        (504, "", Code::CallTimeout, Unknown),
        (408, "", Code::CallTimeout, Unknown),
        (
            413,
            "<html>Request Entity Too Large</html>",
            Code::PromptTooLong,
            NotBilled,
        ),
        (307, "", Code::RequestRefused, NotBilled),
    ];
    for (status, body, code, billing) in cases {
        let refused = classify(*status, body.as_bytes(), &config());
        assert_eq!(refused.failure.code, *code, "{status} {body}");
        assert_eq!(refused.billing, *billing, "{status} {body}");
    }
}

#[test]
fn azure_may_bill_what_its_filter_stopped() {
    let body = br#"{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy","code":"content_filter"}}"#;
    let azure = Config::for_server("https://me.openai.azure.com/openai/v1", |_| None).unwrap();
    let refused = classify(400, body, &azure);
    assert_eq!(
        (refused.failure.code, refused.billing),
        (Code::ContentFiltered, Unknown)
    );
    assert_eq!(classify(400, body, &config()).billing, NotBilled);
}

#[test]
fn the_delay_in_the_body_is_found() {
    let openai = br#"{"error":{"message":"Rate limit reached. Please try again in 2.5s."}}"#;
    assert_eq!(
        classify(429, openai, &config()).retry_after,
        Some(Duration::from_millis(2500))
    );
    let gemini = br#"[{"error":{"details":[{"@type":"RetryInfo","retryDelay":"34s"}]}}]"#;
    assert_eq!(
        classify(429, gemini, &config()).retry_after,
        Some(Duration::from_secs(34))
    );
}

#[test]
fn messages_are_for_people_and_hold_no_key() {
    let message = |body: &str| classify(400, body.as_bytes(), &config()).failure.message;
    let leaked = message(
        r#"{"error":{"message":"key sk-mysecretkey is wrong,\n\u0000 so is 'sk-another1234567' and AIzaSyA1234567890."}}"#,
    );
    assert_eq!(leaked, "compatible answered 400: key … is wrong, so is … and …");
    assert_eq!(
        message("<html><body><h1>Bad\nrequest.</h1></body></html>"),
        "compatible answered 400: Bad request"
    );
    assert_eq!(message(""), "compatible answered 400");
    let long = message(&"ü".repeat(5000));
    assert!(long.chars().count() < 450 && long.ends_with('…'));
    assert_eq!(
        message(r#"{"error":"just text"}"#),
        "compatible answered 400: just text"
    );
    assert_eq!(
        message(r#"{"error":{"odd":1}}"#),
        r#"compatible answered 400: {"odd":1}"#
    );
}
