//! The cluster query language, as far as placement constraints use it:
//! `attribute:name == value`, `!=`, `in [a, b]`, `not_in`, `=~ prefix.*`, `exists`, `!exists`, joined by `and`, `or`, `not` and brackets.
//!
//! Subjects besides attributes: `ec2InstanceId`, `agentConnected`, `runningTasksCount`. Anything else is refused, never ignored.

use super::Candidate;

/// A parsed constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// Both hold.
    And(Box<Self>, Box<Self>),
    /// Either holds.
    Or(Box<Self>, Box<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// The subject has a value.
    Exists(Subject),
    /// The subject's value is one of these.
    In(Subject, Vec<String>),
    /// The subject's value begins with this.
    Begins(Subject, String),
}

/// What an expression looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An attribute of the instance.
    Attribute(String),
    /// The EC2 instance's id.
    Ec2InstanceId,
    /// `true` or `false`.
    AgentConnected,
    /// The number of tasks.
    RunningTasksCount,
}

/// Why an expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid placement expression '{text}': {what}.")]
pub struct ExpressionError {
    text: String,
    what: String,
}

impl Expression {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        if let Some((end, _)) = text.char_indices().nth(LONGEST) {
            let what = format!("it is longer than {LONGEST} characters");
            return Err(ExpressionError { text: format!("{}…", &text[..end]), what });
        }
        let mut parser = Parser { rest: tokens(text), depth: 0 };
        let parsed = parser.either().and_then(|expression| match parser.rest.first() {
            None => Ok(expression),
            Some(left) => Err(format!("did not expect '{left}'")),
        });
        parsed.map_err(|what| ExpressionError { text: text.to_owned(), what })
    }

    /// Whether it holds for the instance.
    pub fn holds(&self, candidate: &Candidate<'_>) -> bool {
        match self {
            Self::And(left, right) => left.holds(candidate) && right.holds(candidate),
            Self::Or(left, right) => left.holds(candidate) || right.holds(candidate),
            Self::Not(inner) => !inner.holds(candidate),
            Self::Exists(Subject::Attribute(name)) => candidate.instance.attributes.contains_key(name),
            Self::Exists(subject) => subject.value(candidate).is_some(),
            Self::In(subject, values) => {
                subject.value(candidate).is_some_and(|value| values.contains(&value))
            }
            Self::Begins(subject, prefix) => {
                subject.value(candidate).is_some_and(|value| value.starts_with(prefix))
            }
        }
    }
}

impl Subject {
    fn parse(token: &str) -> Result<Self, String> {
        match token {
            "ec2InstanceId" => Ok(Self::Ec2InstanceId),
            "agentConnected" => Ok(Self::AgentConnected),
            "runningTasksCount" => Ok(Self::RunningTasksCount),
            other => match other.strip_prefix("attribute:") {
                Some(name) if !name.is_empty() => Ok(Self::Attribute(name.to_owned())),
                Some(_) | None => Err(format!("'{other}' is no subject this scheduler knows")),
            },
        }
    }

    fn value(&self, candidate: &Candidate<'_>) -> Option<String> {
        match self {
            Self::Attribute(name) => candidate.instance.attributes.get(name)?.clone(),
            Self::Ec2InstanceId => candidate.instance.ec2_instance_id.clone(),
            Self::AgentConnected => Some(candidate.connected.to_string()),
            Self::RunningTasksCount => Some(candidate.tasks.to_string()),
        }
    }
}

/// Splits at white space and around brackets and commas.
fn tokens(text: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if "()[],".contains(c) {
            spaced.extend([' ', c, ' ']);
        } else {
            spaced.push(c);
        }
    }
    spaced.split_whitespace().map(str::to_owned).collect()
}

/// ECS's own bound, in characters. It bounds the depth of the tree too: a chain of `and` is as deep as it is long.
const LONGEST: usize = 2000;

/// Deeper nesting than anyone writes; bounds the recursion.
const DEEPEST: usize = 32;

struct Parser {
    rest: Vec<String>,
    depth: usize,
}

impl Parser {
    fn next(&mut self) -> Result<String, String> {
        if self.rest.is_empty() { Err("it ends too early".to_owned()) } else { Ok(self.rest.remove(0)) }
    }

    fn accept(&mut self, tokens: &[&str]) -> bool {
        let found = self.rest.first().is_some_and(|next| tokens.contains(&next.as_str()));
        if found {
            self.rest.remove(0);
        }
        found
    }

    fn either(&mut self) -> Result<Expression, String> {
        let mut left = self.both()?;
        while self.accept(&["or", "||"]) {
            left = Expression::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Expression, String> {
        let mut left = self.single()?;
        while self.accept(&["and", "&&"]) {
            left = Expression::And(Box::new(left), Box::new(self.single()?));
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
        let expression = if self.accept(&["not", "!"]) {
            Expression::Not(Box::new(self.single()?))
        } else if self.accept(&["("]) {
            let inner = self.either()?;
            if !self.accept(&[")"]) {
                return Err("a bracket is not closed".to_owned());
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        let token = self.next()?;
        let subject = Subject::parse(&token)?;
        let operator = self.next()?;
        match operator.as_str() {
            "exists" => Ok(Expression::Exists(subject)),
            "!exists" | "not_exists" => Ok(Expression::Not(Box::new(Expression::Exists(subject)))),
            "==" | "equals" => Ok(Expression::In(subject, vec![self.next()?])),
            "!=" | "not_equals" => Ok(Expression::Not(Box::new(Expression::In(subject, vec![self.next()?])))),
            "in" => Ok(Expression::In(subject, self.list()?)),
            "!in" | "not_in" => Ok(Expression::Not(Box::new(Expression::In(subject, self.list()?)))),
            "=~" | "matches" => prefix(&self.next()?).map(|prefix| Expression::Begins(subject, prefix)),
            other => Err(format!("'{other}' is no operator this scheduler knows")),
        }
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        if !self.accept(&["["]) {
            return Err("a list in square brackets must follow".to_owned());
        }
        let mut items = Vec::new();
        while !self.accept(&["]"]) {
            let item = self.next()?;
            if item != "," {
                items.push(item);
            }
        }
        Ok(items)
    }
}

/// Of regular expressions only `text.*` is known: the form in ECS's own examples.
fn prefix(pattern: &str) -> Result<String, String> {
    let plain = pattern.strip_suffix(".*").or_else(|| pattern.strip_suffix('*')).unwrap_or(pattern);
    if plain.contains(['*', '+', '?', '[', '(', '|', '^', '$', '\\']) {
        return Err(format!("the pattern '{pattern}' is more than a prefix followed by .*"));
    }
    Ok(plain.to_owned())
}
