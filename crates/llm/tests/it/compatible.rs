//! What the client makes of every kind of misbehaviour, above all whether the
//! call may have been billed: the stand-in's own books are the judge.

use std::time::Duration;

use docmill_core::failure::FailureCode;
use docmill_core::page::PageImage;
use docmill_core::price::Price;
use docmill_core::{PicoPerToken, Usd};
use docmill_llm::answer::json_of;
use docmill_llm::compatible::{Compatible, Config};
use docmill_llm::prompt::wire_schema;
use docmill_llm::{Billing, CallError, Finish, Provider, Repair};
use docmill_testkit::standin::{self, Behaviour, Misbehaviour, Standin};
use tokio::net::TcpListener;

use crate::fixtures::{request, template};

async fn standin() -> Standin {
    Standin::start(standin::Config::default())
        .await
        .expect("a stand-in on a free port")
}

fn config(base_url: &str) -> Config {
    let mut config = Config::for_server(base_url, |_| None).expect("an address");
    config.call_timeout = Duration::from_secs(20);
    config
}

fn client(standin: &Standin) -> Compatible {
    Compatible::new(config(&standin.base_url())).expect("a client")
}

fn price() -> Price {
    Price {
        input: PicoPerToken(150_000),
        output: PicoPerToken(600_000),
        ..Price::free("test")
    }
}

async fn failed(standin: &Standin, wrong: Misbehaviour) -> CallError {
    standin.next([wrong]);
    client(standin)
        .call(&request("Invoice 1"))
        .await
        .expect_err("a failure was planned")
}

#[tokio::test]
async fn an_answer_fits_the_schema_and_the_books_agree_with_its_usage() {
    let standin = standin().await;
    let client = client(&standin);
    let request = request("Invoice 2026-17\nTotal 12.00 EUR\n");
    let answer = client.call(&request).await.unwrap();
    assert_eq!(answer.finish, Finish::Stop);
    assert!(!answer.simulated);
    assert_eq!(answer.request_id.as_deref(), Some("req-0"));
    let data = json_of(&answer.text).unwrap();
    let wire = wire_schema(&template().schema).unwrap();
    let named: Vec<&String> = wire["properties"].as_object().unwrap().keys().collect();
    let given: Vec<&String> = data.as_object().unwrap().keys().collect();
    assert_eq!(named, given);

    let usage = answer.usage.unwrap();
    let cost = price().cost(&usage).unwrap();
    let totals = standin.totals();
    assert_eq!((totals.billed, totals.answered), (1, 1));
    assert_eq!(Usd::from_nanos(i64::try_from(totals.cost_nanos).unwrap()), cost);
    let bound = client.bound(&request);
    assert!(usage.total_input() <= bound.input_tokens && usage.output_tokens <= bound.output_tokens);
    let expected = client.expect(&request);
    assert!(expected.input_tokens <= bound.input_tokens && expected.output_tokens > 0);
    assert_eq!(
        client.call(&request).await.unwrap().text,
        answer.text,
        "the same every time"
    );
}

#[tokio::test]
async fn pictures_and_repairs_are_sent_and_stay_within_the_bound() {
    let standin = standin().await;
    let client = client(&standin);
    let mut request = request("");
    request.text.clear();
    // The head of a PNG is all that is looked at.
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend(1240u32.to_be_bytes());
    png.extend(1754u32.to_be_bytes());
    png.extend([8, 2, 0, 0, 0, 1, 2, 3]);
    request.images = vec![
        PageImage {
            page: 1,
            width: 1240,
            height: 1754,
            png: png.clone(),
        },
        PageImage {
            page: 2,
            width: 1240,
            height: 1754,
            png,
        },
    ];
    let answer = client.call(&request).await.unwrap();
    let seen = answer.usage.unwrap().input_tokens;
    assert!(seen > 2 * 765, "{seen} tokens: the pictures were seen");
    assert!(seen <= client.bound(&request).input_tokens);

    request.repair = Some(Repair {
        answer: "{\"number\": 5}".into(),
        problems: "number is not a text".into(),
    });
    let repaired = client.call(&request).await.unwrap();
    assert!(
        repaired.usage.unwrap().input_tokens > seen,
        "the bad answer and the reason go along"
    );
    assert!(repaired.usage.unwrap().input_tokens <= client.bound(&request).input_tokens);
}

/// For every kind of misbehaviour: the code, and `NotBilled` only where the
/// stand-in's books hold nothing.
#[tokio::test]
async fn failures_are_classified_and_never_taken_for_free_when_they_were_billed() {
    use FailureCode as C;
    use Misbehaviour as M;
    let cases = [
        (M::RateLimited, C::RateLimited, Billing::NotBilled),
        (M::InsufficientQuota, C::BalanceExhausted, Billing::NotBilled),
        (M::DailyQuota, C::DailyQuota, Billing::NotBilled),
        (M::KeyRefused, C::KeyRefused, Billing::NotBilled),
        (M::UnknownModel, C::UnknownModel, Billing::NotBilled),
        (M::ContextLength, C::PromptTooLong, Billing::NotBilled),
        (M::InternalError, C::ProviderError, Billing::Unknown),
        (M::InternalErrorUnbilled, C::ProviderError, Billing::NotBilled),
        (M::Overloaded503, C::ProviderError, Billing::NotBilled),
        (M::Overloaded529, C::ProviderError, Billing::NotBilled),
        (M::ResetBeforeBilling, C::ConnectionFailed, Billing::Unknown),
        (M::ResetAfterBilling, C::ConnectionFailed, Billing::Unknown),
        (M::TruncatedBody, C::ConnectionFailed, Billing::Unknown),
        (M::InvalidEnvelope, C::ProviderError, Billing::Unknown),
    ];
    for (wrong, code, billing) in cases {
        let standin = standin().await;
        let error = failed(&standin, wrong).await;
        assert_eq!(error.failure.code, code, "{wrong:?}: {error}");
        assert_eq!(error.billing, billing, "{wrong:?}: {error}");
        let billed = standin.totals().billed;
        assert!(
            billing == Billing::Unknown || billed == 0,
            "{wrong:?} was billed and reported as free"
        );
        let message = &error.failure.message;
        assert!(
            !message.is_empty() && !message.ends_with('.'),
            "{wrong:?}: {message:?}"
        );
    }
}

#[tokio::test]
async fn the_delay_of_a_speed_limit_is_passed_on_exactly() {
    let standin = standin().await;
    let error = failed(&standin, Misbehaviour::RateLimited).await;
    assert_eq!(error.signals.retry_after, Some(Duration::from_millis(1500)));
}

#[tokio::test]
async fn limits_in_headers_are_read() {
    let standin = standin().await;
    standin.behave(Behaviour {
        requests_per_minute: Some(2),
        tokens_per_minute: Some(100_000),
        ..Behaviour::default()
    });
    let client = client(&standin);
    let request = request("Invoice 1");
    let signals = client.call(&request).await.unwrap().signals;
    assert_eq!(
        (signals.requests_limit, signals.requests_remaining),
        (Some(2), Some(1))
    );
    assert_eq!(signals.tokens_limit, Some(100_000));
    assert!(signals.tokens_remaining.unwrap() < 100_000);
    client.call(&request).await.unwrap();
    let error = client.call(&request).await.unwrap_err();
    assert_eq!(error.failure.code, FailureCode::RateLimited);
    let wait = error.signals.retry_after.unwrap();
    assert!(
        wait > Duration::from_secs(10) && wait <= Duration::from_secs(31),
        "{wait:?}"
    );
}

#[tokio::test]
async fn odd_answers_are_told_apart() {
    use Misbehaviour as M;
    let standin = standin().await;
    let client = client(&standin);
    let request = request("Invoice 1");
    let mut answers = Vec::new();
    for wrong in [
        M::Length,
        M::ContentFilter,
        M::Refusal,
        M::MissingUsage,
        M::FencedJson,
        M::InvalidJson,
    ] {
        standin.next([wrong]);
        answers.push(client.call(&request).await.unwrap());
    }
    let finishes: Vec<Finish> = answers.iter().map(|answer| answer.finish).collect();
    assert_eq!(
        finishes,
        [
            Finish::Length,
            Finish::ContentFilter,
            Finish::Refusal,
            Finish::Stop,
            Finish::Stop,
            Finish::Stop
        ]
    );
    assert_eq!(answers[2].text, "I cannot help with that.");
    assert!(answers[3].usage.is_none(), "no usage is not zero usage");
    assert!(json_of(&answers[4].text).is_ok(), "fences are taken off");
    assert!(json_of(&answers[5].text).is_err());
    assert_eq!(standin.totals().billed, 6, "every one of them costs");
}

#[tokio::test]
async fn an_answer_longer_than_asked_for_is_reported_as_it_is() {
    let standin = standin().await;
    standin.next([Misbehaviour::UsageAboveBound]);
    let client = client(&standin);
    let request = request("Invoice 1");
    let usage = client.call(&request).await.unwrap().usage.unwrap();
    assert!(usage.input_tokens > client.bound(&request).input_tokens);
}

#[tokio::test]
async fn a_server_that_hangs_or_drips_is_left_at_the_timeout_and_may_have_billed() {
    for wrong in [Misbehaviour::Hang, Misbehaviour::SlowLoris] {
        let standin = standin().await;
        standin.next([wrong]);
        let mut config = config(&standin.base_url());
        config.call_timeout = Duration::from_millis(300);
        let client = Compatible::new(config).unwrap();
        let error = client.call(&request("Invoice 1")).await.unwrap_err();
        assert_eq!(error.failure.code, FailureCode::CallTimeout, "{wrong:?}");
        assert_eq!(error.billing, Billing::Unknown, "{wrong:?}");
        assert_eq!(standin.totals().billed, 1);
    }
}

#[tokio::test]
async fn a_connection_that_never_came_about_costs_nothing() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let client = Compatible::new(config(&format!("http://127.0.0.1:{port}/v1"))).unwrap();
    let error = client.call(&request("Invoice 1")).await.unwrap_err();
    assert_eq!(error.failure.code, FailureCode::ConnectionFailed);
    assert_eq!(error.billing, Billing::NotBilled);
    assert!(
        error.failure.message.contains(&format!("127.0.0.1:{port}")),
        "{error}"
    );

    let nowhere = Compatible::new(config("http://host.invalid/v1")).unwrap();
    let error = nowhere.call(&request("Invoice 1")).await.unwrap_err();
    assert_eq!(error.billing, Billing::NotBilled, "{error}");

    // TLS to a server that does not speak it.
    let standin = standin().await;
    let https = standin.base_url().replace("http:", "https:");
    let client = Compatible::new(config(&https)).unwrap();
    let error = client.call(&request("Invoice 1")).await.unwrap_err();
    assert_eq!(error.billing, Billing::NotBilled, "{error}");
}

#[tokio::test]
async fn a_server_without_schema_mode_is_asked_for_a_json_object_from_then_on() {
    let standin = standin().await;
    standin.next([Misbehaviour::NoSchemaMode]);
    let client = client(&standin);
    let request = request("Invoice 1");
    let with_schema = client.bound(&request).input_tokens;
    let answer = client.call(&request).await.unwrap();
    assert_eq!(json_of(&answer.text).unwrap()["answer"], "a stand-in");
    client.call(&request).await.unwrap();
    assert_eq!(standin.totals().refused, 1, "asked with a schema only once");
    assert!(client.bound(&request).input_tokens < with_schema);
}

#[tokio::test]
async fn probing_finds_a_wrong_key_a_wrong_model_and_a_wrong_address() {
    let standin = Standin::start(standin::Config {
        api_key: Some("right".into()),
        ..standin::Config::default()
    })
    .await
    .unwrap();
    let with_key = |key: &'static str| {
        let env = |name: &str| (name == "DOCMILL_API_KEY").then(|| key.to_owned());
        Compatible::new(Config::for_server(&standin.base_url(), env).unwrap()).unwrap()
    };
    with_key("right").probe("gpt-4o-mini").await.unwrap();
    let wrong_model = with_key("right").probe("gpt-4o-mega").await.unwrap_err();
    assert_eq!(wrong_model.failure.code, FailureCode::UnknownModel);
    assert_eq!(
        wrong_model.failure.message,
        format!(
            "{} has no model \"gpt-4o-mega\"; it has gpt-4o-mini, stand-in",
            standin.base_url()
        )
    );
    let wrong_key = with_key("wrong").probe("gpt-4o-mini").await.unwrap_err();
    assert_eq!(wrong_key.failure.code, FailureCode::KeyRefused);
    assert_eq!(standin.totals().billed, 0);
}

/// Takes one call and refuses it; what was sent.
async fn sent(request: &docmill_llm::Request) -> serde_json::Value {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut config = Config::for_server(&format!("http://127.0.0.1:{port}/v1"), |_| None).unwrap();
    config.catalog = "openai".to_owned();
    let client = Compatible::new(config).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut came, mut piece) = (Vec::new(), [0; 4096]);
        loop {
            let read = stream.read(&mut piece).unwrap();
            came.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&came);
            if let Some((_, body)) = text.split_once("\r\n\r\n")
                && let Ok(body) = serde_json::from_str(body)
            {
                let answer = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                stream.write_all(answer.as_bytes()).unwrap();
                return body;
            }
            assert!(read > 0, "the call was cut off");
        }
    });
    client.call(request).await.unwrap_err();
    server.join().unwrap()
}

#[tokio::test]
async fn prompts_are_counted_as_the_models_own_tokenizer_counts_what_is_sent() {
    let mut config = Config::for_server("http://127.0.0.1:9/v1", |_| None).unwrap();
    config.catalog = "openai".to_owned();
    let client = Compatible::new(config).unwrap();
    let row = "2026-03-14  Sechskantschraube M8x40, verzinkt (100 St.)   12.50 €   4   50.00 €\n";
    for text in [
        "Invoice 1\nTotal 12.00 EUR\n",
        &row.repeat(40),
        "請求書 合計 ¥12,300\n",
    ] {
        let request = request(text);
        let body = sent(&request).await;
        let encoding = client.encoding("gpt-4o-mini").unwrap();
        let messages = body["messages"].as_array().unwrap();
        let contents = messages
            .iter()
            .map(|message| encoding.count(message["content"].as_str().unwrap()));
        let schema = encoding.count(&body["response_format"]["json_schema"]["schema"].to_string());
        let real = contents.sum::<u64>() + schema;
        let counted = client.count(&request).unwrap();
        let off = (counted as f64 / real as f64 - 1.0).abs();
        assert!(off <= 0.03, "{counted} counted, {real} sent");
    }
    // Nobody knows the tokenizer of a model that nobody knows.
    assert_eq!(
        client.count(&docmill_llm::Request {
            model: "mine".into(),
            ..request("a")
        }),
        None
    );
}
