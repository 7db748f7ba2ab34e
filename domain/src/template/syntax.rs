//! Decides which words and signs a template may have, and reads it.
//!
//! The library's language is much larger, and its parser calls itself for some of what it reads: a
//! chain of a thousand `not` would end the process for want of stack. So the signs are counted and
//! compared with a short list first, by the library's own tokenizer, which does not.

use minijinja::machinery::ast::Stmt;
use minijinja::machinery::{Token, parse as parse_tree, tokenize};
use minijinja::syntax::SyntaxConfig;

use super::{Place, SOURCE_BYTES_MAX, TemplateError};

/// The most words and signs in one tag: the longest of the shipped templates has 15.
const TAG_TOKENS_MAX: usize = 60;
/// The most statements, `{% … %}`; `elif` nests, and the parser with it.
const STATEMENTS_MAX: usize = 400;
/// How deep brackets may be in one another.
const BRACKETS_MAX: usize = 8;
/// The words that a statement may begin with.
const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

/// Statements on lines of their own leave no empty lines, and the last line keeps its end.
pub(super) fn configuration() -> SyntaxConfig {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .unwrap_or_default()
}

/// The tree of a template.
pub(super) fn parse(source: &str) -> Result<Stmt<'_>, TemplateError> {
    if source.len() > SOURCE_BYTES_MAX {
        return Err(TemplateError::TooLarge);
    }
    verify_tokens(source)?;
    parse_tree(source, "", configuration()).map_err(|error| {
        let offset = error.range().map_or(source.len(), |range| range.start);
        TemplateError::Syntax {
            place: Place::at(source, offset),
            reason: error.detail().unwrap_or("this cannot be read").to_owned(),
        }
    })
}

fn verify_tokens(source: &str) -> Result<(), TemplateError> {
    let (mut in_tag, mut brackets, mut statements) = (0_usize, 0_usize, 0_usize);
    let mut begins_statement = false;
    // What the tokenizer refuses, the parser will refuse in the same words.
    for (token, span) in tokenize(source, false, configuration()).map_while(Result::ok) {
        let place = || Place::at(source, span.start_offset as usize);
        let too_complex = |reason| TemplateError::TooComplex {
            place: place(),
            reason,
        };
        let is_first = std::mem::replace(&mut begins_statement, false);
        in_tag += 1;
        match &token {
            Token::TemplateData(_) => {}
            Token::VariableStart | Token::VariableEnd | Token::BlockEnd => {
                (in_tag, brackets) = (0, 0);
            }
            Token::BlockStart => {
                (in_tag, brackets, begins_statement) = (0, 0, true);
                statements += 1;
                if statements > STATEMENTS_MAX {
                    return Err(too_complex("it has 400 statements at most"));
                }
            }
            Token::Ident(word) => {
                if (is_first && !STATEMENTS.contains(word)) || *word == "is" {
                    return Err(TemplateError::NotAllowed {
                        place: place(),
                        name: (*word).to_owned(),
                    });
                }
            }
            Token::ParenOpen => {
                brackets += 1;
                if brackets > BRACKETS_MAX {
                    return Err(too_complex("brackets are 8 deep at most"));
                }
            }
            Token::ParenClose => brackets = brackets.saturating_sub(1),
            Token::Str(_)
            | Token::String(_)
            | Token::Int(_)
            | Token::Float(_)
            | Token::Dot
            | Token::Comma
            | Token::Pipe
            | Token::Eq
            | Token::Ne
            | Token::Gt
            | Token::Gte
            | Token::Lt
            | Token::Lte => {}
            other => {
                return Err(TemplateError::NotAllowed {
                    place: place(),
                    name: other.to_string().replace('`', ""),
                });
            }
        }
        if in_tag > TAG_TOKENS_MAX {
            return Err(too_complex("a tag has 60 words and signs at most"));
        }
    }
    Ok(())
}
