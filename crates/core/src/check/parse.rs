//! Tokens to an expression, by descending through the levels of precedence.

use rust_decimal::Decimal;

use super::lex::{Placed, Token, lex};

/// Longer rules are programs; they belong elsewhere.
const MAX_LENGTH: usize = 2000;
/// Brackets within brackets. Keeps the recursion of parsing and evaluating shallow.
const MAX_DEPTH: usize = 48;
/// Parts of one rule. A chain like `a + b + …` nests as deep as it is long.
const MAX_PARTS: usize = 400;

/// Why a rule cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (column {column})")]
pub struct ParseError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Sum,
    Count,
    Min,
    Max,
    Abs,
    Round,
    Length,
    Present,
}

const FUNCTIONS: [(&str, Function, std::ops::RangeInclusive<usize>); 8] = [
    ("sum", Function::Sum, 1..=8),
    ("count", Function::Count, 1..=1),
    ("min", Function::Min, 1..=8),
    ("max", Function::Max, 1..=8),
    ("abs", Function::Abs, 1..=1),
    ("round", Function::Round, 1..=2),
    ("length", Function::Length, 1..=1),
    ("present", Function::Present, 1..=1),
];

/// An expression, and the bytes of the rule it was read from.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Number(Decimal),
    Text(String),
    Truth(bool),
    Field(Vec<String>),
    Not(Box<Expression>),
    Negative(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    Call(Function, Vec<Expression>),
}

/// A rule that was read.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) expression: Expression,
    /// Its text, for messages.
    pub(super) text: String,
    /// The fields it is about, each once.
    pub(super) names: Vec<Vec<String>>,
}

pub(super) fn parse(text: &str) -> Result<Rule, ParseError> {
    if text.len() > MAX_LENGTH {
        let message = format!("a rule has at most {MAX_LENGTH} characters; make two checks of it");
        return Err(ParseError {
            column: MAX_LENGTH,
            message,
        });
    }
    let tokens = lex(text)?;
    let mut parser = Parser {
        tokens,
        next: 0,
        depth: 0,
        parts: 0,
        names: Vec::new(),
    };
    let expression = parser.either()?;
    match &parser.peek().token {
        Token::End => Ok(Rule {
            expression,
            text: text.to_owned(),
            names: parser.names,
        }),
        other => Err(parser.refuse(format!("{} does not belong here", shown(other)))),
    }
}

struct Parser {
    tokens: Vec<Placed>,
    next: usize,
    depth: usize,
    parts: usize,
    names: Vec<Vec<String>>,
}

const END: Placed = Placed {
    token: Token::End,
    column: 1,
    start: 0,
    end: 0,
};

impl Parser {
    fn peek(&self) -> &Placed {
        // The list always ends with `End`, and nothing goes past it.
        self.tokens.get(self.next).or(self.tokens.last()).unwrap_or(&END)
    }

    fn advance(&mut self) -> Placed {
        let placed = self.peek().clone();
        if placed.token != Token::End {
            self.next += 1;
        }
        placed
    }

    fn refuse(&self, message: impl Into<String>) -> ParseError {
        ParseError {
            column: self.peek().column,
            message: message.into(),
        }
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let taken = matches!(&self.peek().token, Token::Sign(found) if *found == sign);
        if taken {
            self.next += 1;
        }
        taken
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let taken = matches!(&self.peek().token, Token::Name(found) if found == word);
        if taken {
            self.next += 1;
        }
        taken
    }

    fn count_part(&mut self) -> Result<(), ParseError> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(self.refuse(format!(
                "a rule has at most {MAX_PARTS} parts; make two checks of it"
            )));
        }
        Ok(())
    }

    fn join(
        &mut self,
        operator: Operator,
        left: Expression,
        right: Expression,
    ) -> Result<Expression, ParseError> {
        self.count_part()?;
        let (start, end) = (left.start, right.end);
        Ok(Expression {
            kind: Kind::Binary(operator, Box::new(left), Box::new(right)),
            start,
            end,
        })
    }

    fn either(&mut self) -> Result<Expression, ParseError> {
        let mut left = self.both()?;
        while self.takes_word("or") {
            let right = self.both()?;
            left = self.join(Operator::Or, left, right)?;
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Expression, ParseError> {
        let mut left = self.negation()?;
        while self.takes_word("and") {
            let right = self.negation()?;
            left = self.join(Operator::And, left, right)?;
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Expression, ParseError> {
        let start = self.peek().start;
        if !self.takes_word("not") {
            return self.comparison();
        }
        let inner = self.deeper(Self::negation)?;
        let end = inner.end;
        Ok(Expression {
            kind: Kind::Not(Box::new(inner)),
            start,
            end,
        })
    }

    fn comparison(&mut self) -> Result<Expression, ParseError> {
        let left = self.sum()?;
        let Some(operator) = self.comparing() else {
            return Ok(left);
        };
        self.next += 1;
        let right = self.sum()?;
        if self.comparing().is_some() {
            return Err(self.refuse("compare two things at a time, and join them with `and`"));
        }
        self.join(operator, left, right)
    }

    fn comparing(&self) -> Option<Operator> {
        match &self.peek().token {
            Token::Sign("==") => Some(Operator::Equal),
            Token::Sign("!=") => Some(Operator::NotEqual),
            Token::Sign("<") => Some(Operator::Less),
            Token::Sign("<=") => Some(Operator::LessOrEqual),
            Token::Sign(">") => Some(Operator::Greater),
            Token::Sign(">=") => Some(Operator::GreaterOrEqual),
            _ => None,
        }
    }

    fn sum(&mut self) -> Result<Expression, ParseError> {
        let mut left = self.product()?;
        loop {
            let operator = match &self.peek().token {
                Token::Sign("+") => Operator::Add,
                Token::Sign("-") => Operator::Subtract,
                _ => return Ok(left),
            };
            self.next += 1;
            let right = self.product()?;
            left = self.join(operator, left, right)?;
        }
    }

    fn product(&mut self) -> Result<Expression, ParseError> {
        let mut left = self.signed()?;
        loop {
            let operator = match &self.peek().token {
                Token::Sign("*") => Operator::Multiply,
                Token::Sign("/") => Operator::Divide,
                _ => return Ok(left),
            };
            self.next += 1;
            let right = self.signed()?;
            left = self.join(operator, left, right)?;
        }
    }

    fn signed(&mut self) -> Result<Expression, ParseError> {
        let start = self.peek().start;
        if !self.takes_sign("-") {
            return self.primary();
        }
        let inner = self.deeper(Self::signed)?;
        let end = inner.end;
        Ok(Expression {
            kind: Kind::Negative(Box::new(inner)),
            start,
            end,
        })
    }

    fn deeper(
        &mut self,
        inner: impl Fn(&mut Self) -> Result<Expression, ParseError>,
    ) -> Result<Expression, ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.refuse("the rule is nested too deep; make two checks of it"));
        }
        let expression = inner(self);
        self.depth -= 1;
        expression
    }

    fn primary(&mut self) -> Result<Expression, ParseError> {
        self.count_part()?;
        let Placed {
            token,
            start,
            end,
            column,
        } = self.peek().clone();
        let kind = match token {
            Token::Number(number) => Kind::Number(number),
            Token::Text(text) => Kind::Text(text),
            Token::Name(name) => return self.named(&name, start, end, column),
            Token::Sign("(") => {
                self.next += 1;
                let inner = self.deeper(Self::either)?;
                let end = self.peek().end;
                if !self.takes_sign(")") {
                    return Err(self.refuse("a closing ) is missing"));
                }
                return Ok(Expression { start, end, ..inner });
            }
            Token::End => return Err(self.refuse("the rule ends too early: a field or a number is missing")),
            other => {
                return Err(self.refuse(format!(
                    "{} stands where a field or a number is expected",
                    shown(&other)
                )));
            }
        };
        self.advance();
        Ok(Expression { kind, start, end })
    }

    fn named(
        &mut self,
        name: &str,
        start: usize,
        end: usize,
        column: usize,
    ) -> Result<Expression, ParseError> {
        self.advance();
        if self.takes_sign("(") {
            return self.call(name, start, column);
        }
        let kind = match name {
            "true" => Kind::Truth(true),
            "false" => Kind::Truth(false),
            "and" | "or" | "not" => {
                let message = format!("`{name}` stands where a field or a number is expected");
                return Err(ParseError { column, message });
            }
            first => return self.field(first, start, end),
        };
        Ok(Expression { kind, start, end })
    }

    /// `seller.name`, `line_items[].amount`.
    fn field(&mut self, first: &str, start: usize, mut end: usize) -> Result<Expression, ParseError> {
        let mut names = vec![first.to_owned()];
        loop {
            if self.takes_sign("[") {
                end = self.peek().end;
                if !self.takes_sign("]") {
                    return Err(
                        self.refuse("write [] for all items of a list; single items cannot be picked")
                    );
                }
            } else if self.takes_sign(".") {
                self.count_part()?;
                let Placed {
                    token: Token::Name(name),
                    end: name_end,
                    ..
                } = self.peek().clone()
                else {
                    return Err(self.refuse("a field's name must follow the point"));
                };
                self.advance();
                end = name_end;
                names.push(name);
            } else {
                break;
            }
        }
        if !self.names.contains(&names) {
            self.names.push(names.clone());
        }
        Ok(Expression {
            kind: Kind::Field(names),
            start,
            end,
        })
    }

    fn call(&mut self, name: &str, start: usize, column: usize) -> Result<Expression, ParseError> {
        let Some((_, function, takes)) = FUNCTIONS.into_iter().find(|(known, ..)| *known == name) else {
            let known: Vec<&str> = FUNCTIONS.iter().map(|(known, ..)| *known).collect();
            let message = format!("there is no function {name:?}; there are {}", known.join(", "));
            return Err(ParseError { column, message });
        };
        let mut arguments = Vec::new();
        if !matches!(self.peek().token, Token::Sign(")")) {
            loop {
                arguments.push(self.deeper(Self::either)?);
                if !self.takes_sign(",") {
                    break;
                }
            }
        }
        let end = self.peek().end;
        if !self.takes_sign(")") {
            return Err(self.refuse("a closing ) is missing"));
        }
        if !takes.contains(&arguments.len()) {
            let wants = match (takes.start(), takes.end()) {
                (1, 1) => "one value".to_owned(),
                (low, high) => format!("{low} to {high} values"),
            };
            return Err(ParseError {
                column,
                message: format!("{name}() takes {wants}"),
            });
        }
        Ok(Expression {
            kind: Kind::Call(function, arguments),
            start,
            end,
        })
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Number(number) => number.to_string(),
        Token::Text(text) => format!("{text:?}"),
        Token::Name(name) => format!("`{name}`"),
        Token::Sign(sign) => format!("`{sign}`"),
        Token::End => "the end".to_owned(),
    }
}
