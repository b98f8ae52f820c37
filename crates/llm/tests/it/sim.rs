//! Rehearsals: the same every time, at the price, pace and luck that were set.

use std::time::Duration;

use docmill_core::failure::FailureCode;
use docmill_llm::answer::json_of;
use docmill_llm::sim::{self, Config, RateLimit, Sim};
use docmill_llm::{Billing, Finish, Provider};
use serde_json::Value;
use tokio::time::Instant;

use crate::fixtures::request;

const INVOICE: &str = "Invoice: 2026-0017\nDate: 2026-03-14\nSeller: Alder & Birch Ltd\nTotal 1,234.50 EUR\n";

#[tokio::test]
async fn answers_follow_the_schema_and_take_values_from_the_page() {
    let answer = Sim::new(Config::instant()).call(&request(INVOICE)).await.unwrap();
    assert!(answer.simulated);
    assert_eq!(answer.finish, Finish::Stop);
    let data = json_of(&answer.text).unwrap();
    assert_eq!(data["issued"], "2026-03-14");
    assert_eq!(data["total"], 1234.5);
    assert!(INVOICE.contains(data["number"].as_str().unwrap()));
    assert!(["EUR", "USD"].contains(&data["currency"].as_str().unwrap()));
    for line in data["lines"].as_array().unwrap() {
        assert!(line["text"].is_string() && line["amount"].is_number(), "{line}");
    }
}

#[tokio::test]
async fn the_same_document_gives_the_same_answer_and_another_one_another() {
    let sim = Sim::new(Config::instant());
    let mut again = request(INVOICE);
    let first = sim.call(&again).await.unwrap();
    again.call_id = "another call".into();
    let second = Sim::new(Config {
        seed: 9,
        ..Config::instant()
    })
    .call(&again)
    .await
    .unwrap();
    assert_eq!(
        first.text, second.text,
        "neither call id nor seed change the answer"
    );
    let mut texts: Vec<String> = Vec::new();
    for number in 0..20 {
        let other = request(&format!("{INVOICE}Our reference: {number} of many"));
        texts.push(sim.call(&other).await.unwrap().text);
    }
    texts.sort();
    texts.dedup();
    assert!(texts.len() > 10, "{} different answers", texts.len());
}

#[tokio::test]
async fn the_price_is_that_of_the_model_whose_part_is_played() {
    assert_eq!(sim::price("gpt-4o-mini").unwrap().input.0, 150_000);
    assert_eq!(sim::price("openai/gpt-4o-mini"), sim::price("gpt-4o-mini"));
    assert!(sim::price("made-up").is_none());
    let sim = Sim::new(Config::instant());
    assert_eq!(sim.limits("openai/gpt-4o-mini").max_output_tokens, 16_384);

    let request = request(INVOICE);
    let usage = sim.call(&request).await.unwrap().usage.unwrap();
    let bound = sim.bound(&request);
    assert!(usage.total_input() <= bound.input_tokens && usage.output_tokens <= bound.output_tokens);
    assert_eq!(usage.input_tokens, sim.expect(&request).input_tokens);
}

#[tokio::test]
async fn an_answer_longer_than_the_limit_is_cut() {
    let mut request = request(INVOICE);
    request.max_output_tokens = 10;
    let answer = Sim::new(Config::instant()).call(&request).await.unwrap();
    assert_eq!(answer.finish, Finish::Length);
    assert_eq!(answer.usage.unwrap().output_tokens, 10);
    assert!(json_of(&answer.text).is_err());
}

#[tokio::test(start_paused = true)]
async fn latencies_have_the_median_and_the_tail_that_were_set() {
    let sim = Sim::new(Config {
        errors_permille: 0,
        rate_limit: None,
        ..Config::default()
    });
    let mut latencies: Vec<Duration> = Vec::new();
    for number in 0..1000 {
        let mut request = request(INVOICE);
        request.call_id = number.to_string();
        let start = Instant::now();
        sim.call(&request).await.unwrap();
        latencies.push(start.elapsed());
    }
    latencies.sort();
    let (median, p99) = (latencies[500], latencies[990]);
    assert!((2200..2800).contains(&median.as_millis()), "median {median:?}");
    assert!((7500..13_500).contains(&p99.as_millis()), "p99 {p99:?}");
}

#[tokio::test(start_paused = true)]
async fn the_rate_limit_refuses_says_when_and_then_admits() {
    let sim = Sim::new(Config {
        rate_limit: Some(RateLimit {
            requests_per_minute: 60,
            tokens_per_minute: 10_000_000,
        }),
        ..Config::instant()
    });
    let request = request(INVOICE);
    for left in (0..60u64).rev() {
        let signals = sim.call(&request).await.unwrap().signals;
        assert_eq!(signals.requests_remaining, Some(left));
    }
    let refused = sim.call(&request).await.unwrap_err();
    assert_eq!(refused.failure.code, FailureCode::RateLimited);
    assert_eq!(refused.billing, Billing::NotBilled);
    let wait = refused.signals.retry_after.unwrap();
    assert!(
        wait > Duration::ZERO && wait <= Duration::from_secs(1),
        "{wait:?}"
    );
    tokio::time::advance(wait - Duration::from_millis(1)).await;
    sim.call(&request).await.unwrap_err();
    tokio::time::advance(Duration::from_millis(1)).await;
    sim.call(&request).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn tokens_are_limited_too() {
    let sim = Sim::new(Config {
        rate_limit: Some(RateLimit {
            requests_per_minute: 1000,
            tokens_per_minute: 5000,
        }),
        ..Config::instant()
    });
    let request = request(INVOICE);
    let mut admitted = 0;
    while sim.call(&request).await.is_ok() {
        admitted += 1;
    }
    assert!(
        (1..6).contains(&admitted),
        "{admitted} calls of more than 1000 tokens fit 5000"
    );
}

#[tokio::test]
async fn errors_come_at_the_set_rate_and_a_retry_has_its_own_luck() {
    let sim = Sim::new(Config {
        errors_permille: 100,
        ..Config::instant()
    });
    let mut failures = 0;
    for number in 0..1000 {
        let mut request = request(INVOICE);
        request.call_id = number.to_string();
        if let Err(error) = sim.call(&request).await {
            assert_eq!(error.failure.code, FailureCode::ProviderError);
            failures += 1;
        }
    }
    assert!((60..140).contains(&failures), "{failures} of 1000 failed");
}

#[tokio::test]
async fn limits_of_the_full_schema_are_met() {
    let mut request = request("Nothing of use here");
    let mut template = (*request.template).clone();
    template.schema = serde_json::json!({"type": "object", "properties": {
        "share": {"type": "number", "minimum": 0, "maximum": 1},
        "count": {"type": "integer", "minimum": 5000},
        "iban": {"type": "string", "pattern": "^[A-Z]{2}[0-9]{2}[A-Z0-9]{10,30}$"},
        "code": {"type": "string", "minLength": 3, "maxLength": 3},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
        "impossible": {"type": "string", "pattern": "^never-\\d{77}$"},
    }});
    request.template = template.into();
    let answer = Sim::new(Config::instant()).call(&request).await.unwrap();
    let data = json_of(&answer.text).unwrap();
    assert!((0.0..=1.0).contains(&data["share"].as_f64().unwrap()), "{data}");
    assert!(data["count"].as_i64().unwrap() >= 5000, "{data}");
    assert_eq!(data["iban"], "DE89370400440532013000");
    assert_eq!(data["code"].as_str().unwrap().chars().count(), 3);
    assert_eq!(data["tags"].as_array().unwrap().len(), 2);
    assert_eq!(data["impossible"], Value::Null);
}
