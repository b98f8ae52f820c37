//! Sends one made-up invoice to a server and shows what came back beside what
//! was foretold: `cargo run -p docmill-llm --example try_server -- http://127.0.0.1:8080/v1 MODEL`

use std::sync::Arc;
use std::time::Instant;

use docmill_core::page::{Page, TextOrigin};
use docmill_core::template::{Reading, Template};
use docmill_llm::answer::json_of;
use docmill_llm::compatible::{Compatible, Config};
use docmill_llm::{Provider, Request, prompt};

const INVOICE: &str = "\
Alder & Birch Ltd, 4 Mill Lane, Norwich
INVOICE 2026-0017
Date: 14 March 2026
Bill to: Juniper Cafe, 12 High Street, Ely

Oak table, 180 cm          1   640.00
Chair, ash                 4   480.00
Delivery                   1    45.00
                   Subtotal 1,165.00
                   VAT 20 %   233.00
                   Total    1,398.00 GBP
";

fn request(model: String) -> Request {
    let line = serde_json::json!({"type": "object", "properties": {
        "text": {"type": "string"}, "quantity": {"type": "integer"}, "amount": {"type": "number"}}});
    let template = Arc::new(Template {
        name: "invoice".into(),
        description: String::new(),
        instructions: "Take the invoice apart.".into(),
        reading: Reading::Auto,
        schema: serde_json::json!({"type": "object", "properties": {
            "number": {"type": "string", "description": "The invoice number"},
            "issued": {"type": "string", "format": "date"},
            "seller": {"type": "string"},
            "lines": {"type": "array", "items": line},
            "total": {"type": "number"},
            "currency": {"enum": ["GBP", "EUR", "USD"]},
        }}),
        checks: Vec::new(),
    });
    let pages = Arc::new(vec![Page {
        number: 1,
        label: None,
        width: 0.0,
        height: 0.0,
        text: INVOICE.to_owned(),
        words: Vec::new(),
        origin: TextOrigin::Native,
    }]);
    Request {
        model,
        system: prompt::system(&template).into(),
        text: prompt::document(&pages),
        images: Vec::new(),
        template,
        pages,
        repair: None,
        max_output_tokens: 400,
        call_id: "try-1".into(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(base_url), Some(model)) = (words.next(), words.next()) else {
        return Err("give the server's address and a model's name".into());
    };
    let client = Compatible::new(Config::for_server(&base_url, |name| std::env::var(name).ok())?)?;
    match client.probe(&model).await {
        Ok(()) => println!("probe     the server has {model}"),
        Err(error) => println!("probe     {error} ({})", error.failure.code),
    }
    let request = request(model);
    println!(
        "foretold  {:?}, at most {:?}",
        client.expect(&request),
        client.bound(&request)
    );
    let start = Instant::now();
    match client.call(&request).await {
        Ok(answer) => {
            println!(
                "answered  {:?} after {:.1?}: {:?}",
                answer.finish,
                start.elapsed(),
                answer.usage
            );
            println!("limits    {:?}", answer.signals);
            match json_of(&answer.text) {
                Ok(data) => println!("data      {data:#}"),
                Err(cause) => println!("no JSON   {cause}: {}", answer.text),
            }
        }
        Err(error) => println!("failed    {error} ({}, {:?})", error.failure.code, error.billing),
    }
    Ok(())
}
