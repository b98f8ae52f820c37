//! Evaluating a rule over a result.

use std::cmp::Ordering;

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value as Json;

use super::parse::{Expression, Function, Kind, Operator, Rule};
use super::value::{Number, Value, field, is_iso_date, number_of};

/// What a rule says about a result.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    Holds,
    /// Something it is about is not there.
    DoesNotApply,
    /// Why, as "subtotal + tax is 119, total is 120"; empty when there is nothing to add.
    Fails(String),
}

pub(super) fn evaluate(rule: &Rule, data: &Json) -> Verdict {
    match value(&rule.expression, data) {
        Value::Truth(true) => Verdict::Holds,
        Value::Truth(false) => Verdict::Fails(sides(rule, data, None)),
        Value::List(items) => {
            if let Some(index) = items.iter().position(|item| *item == Value::Truth(false)) {
                return Verdict::Fails(sides(rule, data, Some(index)));
            }
            if items.contains(&Value::Truth(true)) {
                Verdict::Holds
            } else {
                Verdict::DoesNotApply
            }
        }
        // A number or text is neither true nor false; such a rule says nothing.
        _ => Verdict::DoesNotApply,
    }
}

/// What the two sides of a comparison came to.
fn sides(rule: &Rule, data: &Json, index: Option<usize>) -> String {
    let Kind::Binary(operator, left, right) = &rule.expression.kind else {
        return String::new();
    };
    if matches!(operator, Operator::And | Operator::Or) {
        return String::new();
    }
    let mut said = Vec::new();
    for side in [left, right] {
        if matches!(side.kind, Kind::Number(_) | Kind::Text(_) | Kind::Truth(_)) {
            continue;
        }
        let text = rule.text.get(side.start..side.end).unwrap_or_default();
        let shown = match (value(side, data), index) {
            (Value::List(items), Some(index)) => items.get(index).cloned().unwrap_or(Value::Missing),
            (other, _) => other,
        };
        said.push(format!("{text} is {shown}"));
    }
    let said = said.join(", ");
    match index {
        Some(index) => format!("item {}: {said}", index + 1),
        None => said,
    }
}

fn value(expression: &Expression, data: &Json) -> Value {
    match &expression.kind {
        Kind::Number(number) => Value::Number(Number::new(*number)),
        Kind::Text(text) => Value::Text(text.clone()),
        Kind::Truth(truth) => Value::Truth(*truth),
        Kind::Field(names) => field(data, names),
        Kind::Not(inner) => each(value(inner, data), |inner| match inner {
            Value::Truth(truth) => Value::Truth(!truth),
            _ => Value::Missing,
        }),
        Kind::Negative(inner) => each(value(inner, data), |inner| match as_number(&inner) {
            Some(number) => Value::Number(Number {
                amount: -number.amount,
                ..number
            }),
            None => Value::Missing,
        }),
        Kind::Binary(operator, left, right) => pairwise(value(left, data), value(right, data), *operator),
        Kind::Call(function, arguments) => call(
            *function,
            arguments.iter().map(|argument| value(argument, data)).collect(),
        ),
    }
}

/// Applies to a value, or to each of a list.
fn each(value: Value, apply: impl Fn(Value) -> Value) -> Value {
    match value {
        Value::List(items) => Value::List(items.into_iter().map(apply).collect()),
        other => apply(other),
    }
}

/// Two lists of one length item by item; a single value with each item of a list.
fn pairwise(left: Value, right: Value, operator: Operator) -> Value {
    match (left, right) {
        (Value::List(left), Value::List(right)) if left.len() == right.len() => Value::List(
            left.into_iter()
                .zip(right)
                .map(|(l, r)| binary(&l, &r, operator))
                .collect(),
        ),
        (Value::List(_), Value::List(_)) => Value::Missing,
        (Value::List(left), right) => Value::List(
            left.into_iter()
                .map(|left| binary(&left, &right, operator))
                .collect(),
        ),
        (left, Value::List(right)) => Value::List(
            right
                .into_iter()
                .map(|right| binary(&left, &right, operator))
                .collect(),
        ),
        (left, right) => binary(&left, &right, operator),
    }
}

fn binary(left: &Value, right: &Value, operator: Operator) -> Value {
    match operator {
        Operator::And => logic(left, right, false),
        Operator::Or => logic(left, right, true),
        Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide => {
            match (as_number(left), as_number(right)) {
                (Some(left), Some(right)) => arithmetic(left, right, operator),
                _ => Value::Missing,
            }
        }
        _ => compare(left, right, operator).map_or(Value::Missing, Value::Truth),
    }
}

/// `and` is decided by one false, `or` by one true, even when the other side does not apply.
fn logic(left: &Value, right: &Value, deciding: bool) -> Value {
    match (left, right) {
        (Value::Truth(truth), _) if *truth == deciding => Value::Truth(deciding),
        (_, Value::Truth(truth)) if *truth == deciding => Value::Truth(deciding),
        (Value::Truth(_), Value::Truth(_)) => Value::Truth(!deciding),
        _ => Value::Missing,
    }
}

fn arithmetic(left: Number, right: Number, operator: Operator) -> Value {
    let amount = match operator {
        Operator::Add => left.amount.checked_add(right.amount),
        Operator::Subtract => left.amount.checked_sub(right.amount),
        Operator::Multiply => left.amount.checked_mul(right.amount),
        _ => left.amount.checked_div(right.amount),
    };
    // Too large, or divided by zero: nothing can be said.
    amount.map_or(Value::Missing, |amount| {
        Value::Number(Number {
            amount,
            summed: left.summed.saturating_add(right.summed),
        })
    })
}

fn compare(left: &Value, right: &Value, operator: Operator) -> Option<bool> {
    match (left, right) {
        (Value::Truth(left), Value::Truth(right)) => match operator {
            Operator::Equal => Some(left == right),
            Operator::NotEqual => Some(left != right),
            _ => None,
        },
        (Value::Text(left), Value::Text(right)) => compare_texts(left, right, operator),
        _ => compare_numbers(as_number(left)?, as_number(right)?, operator),
    }
}

fn compare_texts(left: &str, right: &str, operator: Operator) -> Option<bool> {
    let (left, right) = (left.trim(), right.trim());
    match operator {
        Operator::Equal => return Some(left == right),
        Operator::NotEqual => return Some(left != right),
        _ => {}
    }
    if is_iso_date(left) && is_iso_date(right) {
        // The same day with and without a time is the same day.
        let length = left.len().min(right.len());
        let (left, right) = (left.get(..length)?, right.get(..length)?);
        return Some(holds(left.cmp(right), operator));
    }
    compare_numbers(number_of(left)?, number_of(right)?, operator)
}

fn compare_numbers(left: Number, right: Number, operator: Operator) -> Option<bool> {
    let difference = left.amount.checked_sub(right.amount)?;
    let is_close = difference.abs() <= left.tolerance(right);
    Some(match operator {
        Operator::Equal | Operator::NotEqual if is_close => operator == Operator::Equal,
        Operator::LessOrEqual | Operator::GreaterOrEqual if is_close => true,
        _ => holds(difference.cmp(&Decimal::ZERO), operator),
    })
}

fn holds(ordering: Ordering, operator: Operator) -> bool {
    match operator {
        Operator::Equal => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        Operator::Less => ordering.is_lt(),
        Operator::LessOrEqual => ordering.is_le(),
        Operator::Greater => ordering.is_gt(),
        _ => ordering.is_ge(),
    }
}

/// A number, also one that a schema keeps as text.
fn as_number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Text(text) => number_of(text),
        _ => None,
    }
}

fn call(function: Function, mut arguments: Vec<Value>) -> Value {
    match function {
        Function::Sum => sum(&flatten(arguments)),
        Function::Min => extreme(flatten(arguments), Ordering::is_lt),
        Function::Max => extreme(flatten(arguments), Ordering::is_gt),
        Function::Round => round(arguments),
        Function::Count | Function::Length | Function::Present | Function::Abs => arguments
            .pop()
            .map_or(Value::Missing, |only| single(function, only)),
    }
}

fn single(function: Function, only: Value) -> Value {
    match (function, only) {
        (Function::Count, Value::List(items)) => whole(items.len()),
        (Function::Count, Value::Missing) => Value::Missing,
        (Function::Count, _) => whole(1),
        (Function::Present, Value::Missing) => Value::Truth(false),
        (Function::Present, Value::Text(text)) => Value::Truth(!text.trim().is_empty()),
        (Function::Present, Value::List(items)) => {
            Value::Truth(items.iter().any(|item| *item != Value::Missing))
        }
        (Function::Present, _) => Value::Truth(true),
        (Function::Length, only) => each(only, |item| match item {
            Value::Text(text) => whole(text.chars().count()),
            _ => Value::Missing,
        }),
        (_, only) => each(only, |item| match as_number(&item) {
            Some(number) => Value::Number(Number {
                amount: number.amount.abs(),
                ..number
            }),
            None => Value::Missing,
        }),
    }
}

fn whole(count: usize) -> Value {
    Value::Number(Number::new(Decimal::from(count)))
}

fn flatten(arguments: Vec<Value>) -> Vec<Value> {
    let mut all = Vec::new();
    for argument in arguments {
        match argument {
            Value::List(items) => all.extend(items),
            other => all.push(other),
        }
    }
    all
}

fn sum(items: &[Value]) -> Value {
    if items.is_empty() {
        return Value::Missing;
    }
    let mut total = Number {
        amount: Decimal::ZERO,
        summed: u32::try_from(items.len()).unwrap_or(u32::MAX),
    };
    for item in items {
        let Some(amount) = as_number(item).and_then(|number| total.amount.checked_add(number.amount)) else {
            return Value::Missing;
        };
        total.amount = amount;
    }
    Value::Number(total)
}

fn extreme(items: Vec<Value>, better: fn(Ordering) -> bool) -> Value {
    let mut best: Option<Value> = None;
    for item in items {
        let replaces = match (&best, &item) {
            (_, Value::Missing) => return Value::Missing,
            (None, _) => true,
            (Some(Value::Text(old)), Value::Text(new)) => better(new.trim().cmp(old.trim())),
            (Some(old), new) => match (as_number(old), as_number(new)) {
                (Some(old), Some(new)) => better(new.amount.cmp(&old.amount)),
                _ => return Value::Missing,
            },
        };
        if replaces {
            best = Some(item);
        }
    }
    best.unwrap_or(Value::Missing)
}

/// Half away from zero, as invoices round.
fn round(arguments: Vec<Value>) -> Value {
    let mut arguments = arguments.into_iter();
    let number = arguments.next().unwrap_or(Value::Missing);
    let digits = match arguments.next() {
        None => 0,
        Some(digits) => match as_number(&digits).and_then(|number| number.amount.to_u32()) {
            Some(digits) if digits <= 28 => digits,
            _ => return Value::Missing,
        },
    };
    each(number, |item| match as_number(&item) {
        Some(number) => Value::Number(Number {
            amount: number
                .amount
                .round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero),
            ..number
        }),
        None => Value::Missing,
    })
}
