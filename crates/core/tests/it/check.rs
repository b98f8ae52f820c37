//! Checks: what rules mean, what they say when they fail, and that nothing typed breaks them.

use docmill_core::check::Checks;
use docmill_core::extraction::Finding;
use docmill_core::template::Check;
use proptest::prelude::*;
use serde_json::{Value, json};

fn check(rule: &str) -> Check {
    Check {
        name: "rule".to_owned(),
        rule: rule.to_owned(),
        message: None,
    }
}

fn run(rule: &str, data: &Value) -> Vec<Finding> {
    Checks::compile(&[check(rule)])
        .unwrap_or_else(|error| panic!("{rule}: {error}"))
        .run(data)
}

fn invoice() -> Value {
    json!({
        "subtotal": 100.0, "tax": 19.0, "total": 119.0, "tax_rate": 19, "text_total": "119.00",
        "currency": "EUR", "issued": "2024-03-05", "due": "2024-04-04T00:00:00Z", "empty": "",
        "discount": null, "nothing": [], "paid": true,
        "seller": {"name": "Acme", "vat-id": "DE1"},
        "items": [
            {"quantity": 2, "price": 25.0, "amount": 50.0, "note": null, "taxes": [{"rate": 7}, {"rate": 19}]},
            {"quantity": 1, "price": 50.0, "amount": 50.0, "note": "x", "taxes": []}
        ]
    })
}

#[test]
fn rules_that_hold_say_nothing() {
    for rule in [
        "subtotal + tax == total",
        "subtotal+tax==text_total",
        "sum(items.amount) == subtotal",
        "sum(items[].amount) == subtotal",
        "items.quantity * items.price == items.amount",
        "items.amount > 0",
        "count(items) == 2",
        "count(items.taxes.rate) == 2",
        "count(nothing) == 0",
        "max(items.amount) <= subtotal and min(1, 2, 3) == 1",
        "issued <= due",
        "issued == \"2024-03-05\" and issued < '2025-01-01'",
        "round(total / 7, 2) == 17.00",
        "abs(-total) == total",
        "-subtotal < 0",
        "length(currency) == 3",
        "present(currency) and not present(discount) and not present(empty) and not present(absent)",
        "currency == \"EUR\" or currency == \"USD\"",
        "not (total < 0)",
        "(subtotal + tax) * 2 == total * 2",
        "subtotal * tax_rate / 100 == tax",
        "seller.`vat-id` == 'DE1'",
        "paid == true",
        "total != 118",
    ] {
        assert_eq!(run(rule, &invoice()), [], "{rule}");
    }
}

#[test]
fn a_failing_rule_says_what_both_sides_are() {
    let message = |rule: &str| match run(rule, &invoice()).as_slice() {
        [only] => only.message.clone(),
        other => panic!("{rule}: {other:?}"),
    };
    assert_eq!(
        message("subtotal + tax == total + 1"),
        "subtotal + tax == total + 1 does not hold: subtotal + tax is 119, total + 1 is 120"
    );
    assert_eq!(
        message("items.amount > items.price"),
        "items.amount > items.price does not hold: item 2: items.amount is 50, items.price is 50"
    );
    assert_eq!(message("total < 100"), "total < 100 does not hold: total is 119");
    assert_eq!(message("not paid"), "not paid does not hold");
    let said = Checks::compile(&[Check {
        message: Some("the sum is wrong".to_owned()),
        ..check("total == 1")
    }]);
    assert_eq!(
        said.unwrap().run(&invoice())[0].message,
        "the sum is wrong (total is 119)"
    );
}

#[test]
fn a_rule_about_one_field_points_at_it() {
    assert_eq!(run("total < 100", &invoice())[0].field, "/total");
    assert_eq!(
        run("seller.`vat-id` == 'FR1'", &invoice())[0].field,
        "/seller/vat-id"
    );
    assert_eq!(run("total < tax", &invoice())[0].field, "");
}

#[test]
fn a_rule_about_what_is_not_there_does_not_apply() {
    for rule in [
        "absent == 1",
        "discount > 0",
        "subtotal - discount == total",
        "sum(nothing) == subtotal",
        "sum(items.absent) == subtotal",
        "total / 0 == 1",
        "currency * 2 == 1",
        "absent > 1 and total > 0",
        "items.amount == nothing",
        "total",
    ] {
        assert_eq!(run(rule, &invoice()), [], "{rule}");
    }
    // One false decides `and`, one true decides `or`, whatever is missing beside it.
    assert_eq!(run("absent > 1 and total < 0", &invoice()).len(), 1);
    assert_eq!(run("absent > 1 or total > 0", &invoice()), []);
}

#[test]
fn rounding_is_allowed_for_and_no_more() {
    let data = |total: f64| json!({"a": 0.1, "b": 0.2, "total": total, "items": [{"x": 1.0}, {"x": 1.0}, {"x": 1.0}]});
    assert_eq!(run("a + b == total", &data(0.3)), [], "decimals are exact");
    assert_eq!(run("a + b == total", &data(0.31)), [], "one cent");
    assert_eq!(run("a + b == total", &data(0.32)).len(), 1, "two cents");
    // Three values were rounded before they were summed up.
    assert_eq!(run("sum(items.x) == total", &data(3.015)), []);
    assert_eq!(run("sum(items.x) == total", &data(3.02)).len(), 1);
    assert_eq!(run("total <= 1", &data(1.01)), []);
    assert_eq!(run("total < 1", &data(1.0)).len(), 1);
}

#[test]
fn what_cannot_be_read_is_refused_at_its_column() {
    for (rule, column, part) in [
        ("total = 1", 7, "write == to compare"),
        ("subtotal + ", 12, "ends too early"),
        ("(a + b", 7, "closing )"),
        ("a == b == c", 8, "two things at a time"),
        ("summe(a)", 1, "there is no function \"summe\""),
        ("round()", 1, "takes 1 to 2 values"),
        ("a ? b", 3, "'?' means nothing here"),
        ("a && b", 3, "write `and`"),
        ("items[0].x == 1", 7, "write [] for all items"),
        ("\"open", 1, "no closing"),
        ("a b", 3, "does not belong here"),
        ("", 1, "ends too early"),
        ("größe == ü ü", 12, "does not belong here"),
    ] {
        let error = Checks::compile(&[check(rule)]).expect_err(rule).error;
        assert_eq!(error.column, column, "{rule}: {error}");
        assert!(error.message.contains(part), "{rule}: {error}");
    }
}

#[test]
fn long_and_deep_rules_are_refused() {
    for rule in [
        "(".repeat(500),
        "-".repeat(1000),
        "not ".repeat(400),
        "a+".repeat(900),
        "abs(".repeat(300),
    ] {
        let error = Checks::compile(&[check(&rule)]).expect_err("too deep").error;
        assert!(error.message.contains("two checks"), "{error}");
    }
    assert!(Checks::compile(&[check(&"a".repeat(5000))]).is_err());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z0-9.-]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[abc]", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Nothing that can be typed makes the reader panic.
    #[test]
    fn any_text_is_read_or_refused(rule in "\\PC*") {
        let _ = Checks::compile(&[check(&rule)]);
    }

    /// Nothing that looks like a rule makes reading or running it panic, on any data.
    #[test]
    fn any_rule_runs_on_any_data(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "a", "b", "c", "a.b", "a[].c", "1", "0", "9999999999999999999999999999", "0.01", "'x'",
                "+", "-", "*", "/", "==", "<", ">=", "and", "or", "not", "(", ")", ",",
                "sum(", "min(", "round(", "present(", "count(", "abs(", "length(",
            ]),
            1..16,
        ),
        data in any_json(),
    ) {
        if let Ok(checks) = Checks::compile(&[check(&parts.join(" "))]) {
            let _ = checks.run(&data);
        }
    }
}
