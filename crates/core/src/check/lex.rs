//! A rule's text as tokens.

use std::str::FromStr;

use rust_decimal::Decimal;

use super::parse::ParseError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(Decimal),
    Text(String),
    Name(String),
    /// One of the fixed signs.
    Sign(&'static str),
    End,
}

/// A token, the column where it begins (from 1), and its bytes in the rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) column: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Longer signs first, so that `<=` is not `<` and `=`.
const SIGNS: [&str; 18] = [
    "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "(", ")", ",", ".", "[", "]", "&&", "||",
];

pub(super) fn lex(rule: &str) -> Result<Vec<Placed>, ParseError> {
    let mut tokens = Vec::new();
    let mut rest = rule;
    let mut column = 1;
    loop {
        let trimmed = rest.trim_start();
        column += rest.chars().count() - trimmed.chars().count();
        rest = trimmed;
        let start = rule.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            tokens.push(Placed {
                token: Token::End,
                column,
                start,
                end: start,
            });
            return Ok(tokens);
        };
        let (token, length) = next(rest, first, column)?;
        let (taken, left) = rest.split_at_checked(length).unwrap_or((rest, ""));
        tokens.push(Placed {
            token,
            column,
            start,
            end: start + taken.len(),
        });
        column += taken.chars().count();
        rest = left;
    }
}

fn next(rest: &str, first: char, column: usize) -> Result<(Token, usize), ParseError> {
    let refuse = |message: String| ParseError { column, message };
    if first.is_ascii_digit() {
        return number(rest).ok_or_else(|| refuse("this number has too many digits".to_owned()));
    }
    if first.is_alphabetic() || first == '_' {
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        return Ok((
            Token::Name(
                rest.chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect(),
            ),
            length,
        ));
    }
    if matches!(first, '"' | '\'' | '`') {
        let inner: String = rest.chars().skip(1).take_while(|c| *c != first).collect();
        let length = inner.len() + 2;
        if rest.len() < length {
            return Err(refuse(format!("there is no closing {first} for this one")));
        }
        let token = if first == '`' {
            Token::Name(inner)
        } else {
            Token::Text(inner)
        };
        return Ok((token, length));
    }
    if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
        return match sign {
            "&&" => Err(refuse("write `and` for &&".to_owned())),
            "||" => Err(refuse("write `or` for ||".to_owned())),
            sign => Ok((Token::Sign(sign), sign.len())),
        };
    }
    Err(refuse(match first {
        '=' => "write == to compare".to_owned(),
        '!' => "write `not` or != here".to_owned(),
        other => format!("{other:?} means nothing here"),
    }))
}

/// Digits, perhaps a point and more digits. `1.` is the number 1 and a point.
fn number(rest: &str) -> Option<(Token, usize)> {
    let whole = rest.bytes().take_while(u8::is_ascii_digit).count();
    let after = rest.get(whole..).unwrap_or_default();
    let fraction = match after.strip_prefix('.') {
        Some(digits) => match digits.bytes().take_while(u8::is_ascii_digit).count() {
            0 => 0,
            some => some + 1,
        },
        None => 0,
    };
    let length = whole + fraction;
    let number = Decimal::from_str(rest.get(..length)?).ok()?;
    Some((Token::Number(number), length))
}
