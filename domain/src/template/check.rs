//! Decides whether a template can be saved: every variable is declared and of a fitting type, on
//! every branch, taken or not, and stands where its value can be written safely.

use minijinja::machinery::Span;
use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, ForLoop, IfCond, Stmt, UnaryOpKind};

use super::html::Html;
use super::variables::{Kind, Variables};
use super::{Form, Place, TemplateError, syntax};

/// What a filter takes, what it may be given beside it, and what comes of it.
pub(super) struct Filter {
    pub(super) name: &'static str,
    accepts: &'static [Type<'static>],
    arguments: Arguments,
    gives: Type<'static>,
}

enum Arguments {
    None,
    /// A whole number, which may be left out.
    Number,
    /// A text.
    Text,
}

/// What an expression is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Type<'a> {
    Text,
    /// A text that has become part of a URL.
    Encoded,
    Url,
    Number,
    Date,
    Time,
    Datetime,
    Money,
    Boolean,
    Color,
    Html,
    Object(&'a Variables),
    List(&'a Variables),
    /// `loop`, in a loop.
    Loop,
}

const PRINTABLE: &[Type<'static>] = &[
    Type::Text,
    Type::Encoded,
    Type::Url,
    Type::Number,
    Type::Date,
    Type::Time,
    Type::Datetime,
    Type::Money,
    Type::Color,
];
const TEXTS: &[Type<'static>] = &[Type::Text, Type::Url];
const FILTERS: &[Filter] = &[
    filter("upper", TEXTS, Arguments::None, Type::Text),
    filter("lower", TEXTS, Arguments::None, Type::Text),
    filter("truncate", &[Type::Text], Arguments::Number, Type::Text),
    filter("default", &[Type::Text], Arguments::Text, Type::Text),
    filter("urlencode", PRINTABLE, Arguments::None, Type::Encoded),
    filter("number", &[Type::Number], Arguments::Number, Type::Text),
    filter(
        "date",
        &[Type::Date, Type::Datetime],
        Arguments::None,
        Type::Text,
    ),
    filter(
        "time",
        &[Type::Time, Type::Datetime],
        Arguments::None,
        Type::Text,
    ),
    // Of lists, which are all alike here.
    filter("length", &[], Arguments::None, Type::Number),
];

const fn filter(
    name: &'static str,
    accepts: &'static [Type<'static>],
    arguments: Arguments,
    gives: Type<'static>,
) -> Filter {
    Filter {
        name,
        accepts,
        arguments,
        gives,
    }
}

/// Checks a template against the variables that it may use.
///
/// # Errors
/// Any error of [`TemplateError`] that has a place, and [`TemplateError::TooLarge`].
pub fn check(source: &str, form: Form, variables: &Variables) -> Result<(), TemplateError> {
    let tree = syntax::parse(source)?;
    let mut checker = Checker {
        source,
        variables,
        scopes: Vec::new(),
        html: (form == Form::Html).then(|| Html::new(source)),
    };
    if let Stmt::Template(template) = &tree {
        checker.statements(&template.children)?;
    }
    checker.html.map_or(Ok(()), |html| html.finish())
}

struct Checker<'a> {
    source: &'a str,
    variables: &'a Variables,
    /// The loops around: the name, and the fields of its items.
    scopes: Vec<(&'a str, &'a Variables)>,
    html: Option<Html<'a>>,
}

impl<'a> Checker<'a> {
    fn place(&self, span: Span) -> Place {
        Place::at(self.source, span.start_offset as usize)
    }

    /// Where an expression begins: the library has what stands before some of them instead.
    fn start(&self, expression: &Expr<'a>) -> Place {
        match expression {
            Expr::BinOp(pair) => self.start(&pair.left),
            Expr::Compare(chain) => self.start(&chain.expr),
            Expr::IfExpr(choice) => self.start(&choice.true_expr),
            other => self.place(other.span()),
        }
    }

    fn statements(&mut self, statements: &[Stmt<'a>]) -> Result<(), TemplateError> {
        statements
            .iter()
            .try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Stmt<'a>) -> Result<(), TemplateError> {
        match statement {
            Stmt::EmitRaw(raw) => self.html.as_mut().map_or(Ok(()), |html| html.read(raw.raw)),
            Stmt::EmitExpr(emitted) => {
                let kind = self.expression(&emitted.expr)?;
                let place = self.start(&emitted.expr);
                if !PRINTABLE.contains(&kind) && kind != Type::Html {
                    return Err(mismatch(place, &emitted.expr, "cannot be written as text"));
                }
                match self.html.as_mut() {
                    Some(html) => html.emit(kind, place),
                    None if kind == Type::Html => {
                        Err(mismatch(place, &emitted.expr, "stands in HTML alone"))
                    }
                    None => Ok(()),
                }
            }
            Stmt::IfCond(condition) => self.condition(condition),
            Stmt::ForLoop(each) => self.each(each, self.place(each.span())),
            _ => Err(TemplateError::NotAllowed {
                place: Place::at(self.source, 0),
                name: "this statement".to_owned(),
            }),
        }
    }

    fn condition(&mut self, condition: &IfCond<'a>) -> Result<(), TemplateError> {
        self.expression(&condition.expr)?;
        let place = self.start(&condition.expr);
        let before = self.html.clone();
        self.statements(&condition.true_body)?;
        let after = std::mem::replace(&mut self.html, before);
        self.statements(&condition.false_body)?;
        Html::same(self.html.as_ref(), after.as_ref(), place)
    }

    fn each(&mut self, each: &ForLoop<'a>, place: Place) -> Result<(), TemplateError> {
        let not_allowed = |name: &str| {
            Err(TemplateError::NotAllowed {
                place,
                name: name.to_owned(),
            })
        };
        let Expr::Var(target) = &each.target else {
            return not_allowed("more than one name for an item");
        };
        if each.recursive || each.filter_expr.is_some() {
            return not_allowed("a loop that is recursive or has a condition");
        }
        if self.variables.contains_key(target.id) || target.id == "loop" {
            return not_allowed("the name of a variable for an item");
        }
        let Type::List(fields) = self.expression(&each.iter)? else {
            let place = self.start(&each.iter);
            return Err(mismatch(place, &each.iter, "is no list"));
        };
        let before = self.html.clone();
        self.scopes.push((target.id, fields));
        self.statements(&each.body)?;
        self.scopes.pop();
        Html::same(self.html.as_ref(), before.as_ref(), place)?;
        self.statements(&each.else_body)?;
        Html::same(self.html.as_ref(), before.as_ref(), place)
    }

    fn expression(&self, expression: &Expr<'a>) -> Result<Type<'a>, TemplateError> {
        let place = self.start(expression);
        match expression {
            Expr::Var(_) | Expr::GetAttr(_) => self.variable(expression, place),
            Expr::Const(constant) if constant.value.as_str().is_some() => Ok(Type::Text),
            Expr::Const(constant) if constant.value.is_number() => Ok(Type::Number),
            Expr::Const(constant) if !constant.value.is_none() => Ok(Type::Boolean),
            Expr::UnaryOp(negation) if matches!(negation.op, UnaryOpKind::Not) => {
                self.expression(&negation.expr).map(|_| Type::Boolean)
            }
            Expr::BinOp(pair) => {
                let (left, right) = (self.expression(&pair.left)?, self.expression(&pair.right)?);
                let fits = match pair.op {
                    BinOpKind::ScAnd | BinOpKind::ScOr => true,
                    BinOpKind::Eq | BinOpKind::Ne => {
                        left == right && matches!(left, Type::Text | Type::Number | Type::Boolean)
                    }
                    BinOpKind::Lt | BinOpKind::Lte | BinOpKind::Gt | BinOpKind::Gte => {
                        left == Type::Number && right == Type::Number
                    }
                    _ => false,
                };
                let unfit = "cannot be compared with what stands beside it";
                fits.then_some(Type::Boolean)
                    .ok_or_else(|| mismatch(place, &pair.left, unfit))
            }
            Expr::IfExpr(choice) => {
                self.expression(&choice.test_expr)?;
                let taken = self.expression(&choice.true_expr)?;
                let otherwise = choice.false_expr.as_ref();
                match otherwise.map(|other| self.expression(other)).transpose()? {
                    Some(other) if other == taken => Ok(taken),
                    _ => Err(mismatch(
                        place,
                        &choice.true_expr,
                        "needs an else of the same type",
                    )),
                }
            }
            Expr::Filter(filtered) => {
                let Some(inner) = &filtered.expr else {
                    return Err(not_allowed(place, "a filter without a value"));
                };
                let given = self.expression(inner)?;
                self.filter(filtered.name, given, &filtered.args, place)
            }
            other => Err(not_allowed(place, other.description())),
        }
    }

    fn filter(
        &self,
        name: &str,
        given: Type<'a>,
        arguments: &[CallArg<'a>],
        place: Place,
    ) -> Result<Type<'a>, TemplateError> {
        // The arguments first: an unknown variable there is the more telling error.
        let mut types = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let CallArg::Pos(argument) = argument else {
                return Err(not_allowed(place, "a named argument"));
            };
            types.push(self.expression(argument)?);
        }
        let Some(filter) = FILTERS.iter().find(|filter| filter.name == name) else {
            return Err(TemplateError::FilterUnknown {
                place,
                name: name.to_owned(),
            });
        };
        let takes = match filter.name {
            "length" => matches!(given, Type::List(_)),
            _ => filter.accepts.contains(&given),
        };
        let fits = match filter.arguments {
            Arguments::None => types.is_empty(),
            Arguments::Number => types.is_empty() || types == [Type::Number],
            Arguments::Text => types == [Type::Text],
        };
        let failure = |reason| TemplateError::TypeMismatch {
            place,
            name: name.to_owned(),
            reason,
        };
        if !takes {
            return Err(failure("is no filter for a value of this type"));
        } else if !fits {
            return Err(failure("does not take these arguments"));
        }
        Ok(filter.gives)
    }

    fn variable(&self, expression: &Expr<'a>, place: Place) -> Result<Type<'a>, TemplateError> {
        let unknown = || TemplateError::VariableUnknown {
            place,
            name: path_of(expression),
        };
        match expression {
            Expr::Var(variable) => {
                let item = self
                    .scopes
                    .iter()
                    .rev()
                    .find(|(name, _)| *name == variable.id);
                match (item, self.variables.get(variable.id)) {
                    (Some(&(_, fields)), _) => Ok(Type::Object(fields)),
                    (None, Some(declared)) => Ok(type_of(declared.kind, &declared.fields)),
                    (None, None) if variable.id == "loop" && !self.scopes.is_empty() => {
                        Ok(Type::Loop)
                    }
                    (None, None) => Err(unknown()),
                }
            }
            Expr::GetAttr(attribute) => match self.expression(&attribute.expr)? {
                Type::Object(fields) => fields
                    .get(attribute.name)
                    .map(|declared| type_of(declared.kind, &declared.fields))
                    .ok_or_else(unknown),
                Type::Loop => match attribute.name {
                    "index" | "length" => Ok(Type::Number),
                    "first" | "last" => Ok(Type::Boolean),
                    _ => Err(unknown()),
                },
                _ => Err(unknown()),
            },
            other => Err(not_allowed(place, other.description())),
        }
    }
}

fn type_of(kind: Kind, fields: &Variables) -> Type<'_> {
    match kind {
        Kind::Text => Type::Text,
        Kind::Url => Type::Url,
        Kind::Number => Type::Number,
        Kind::Date => Type::Date,
        Kind::Time => Type::Time,
        Kind::Datetime => Type::Datetime,
        Kind::Money => Type::Money,
        Kind::Boolean => Type::Boolean,
        Kind::Color => Type::Color,
        Kind::Html => Type::Html,
        Kind::Object => Type::Object(fields),
        Kind::List => Type::List(fields),
    }
}

fn not_allowed(place: Place, name: &str) -> TemplateError {
    TemplateError::NotAllowed {
        place,
        name: name.to_owned(),
    }
}

fn mismatch(place: Place, expression: &Expr<'_>, reason: &'static str) -> TemplateError {
    TemplateError::TypeMismatch {
        place,
        name: path_of(expression),
        reason,
    }
}

/// The variable that an expression names, as people write it.
fn path_of(expression: &Expr<'_>) -> String {
    match expression {
        Expr::Var(variable) => variable.id.to_owned(),
        Expr::GetAttr(attribute) => format!("{}.{}", path_of(&attribute.expr), attribute.name),
        Expr::Filter(filtered) => filtered
            .expr
            .as_ref()
            .map_or_else(|| filtered.name.to_owned(), path_of),
        other => format!("this {}", other.description()),
    }
}
