//! Draws a pipeline as a state diagram of Mermaid.
//!
//! Labels are people's words: each character that could mean something to Mermaid is written as
//! its entity (`#35;`), and stages are called s0, s1, … as their own names could be its keywords.

use std::fmt::Write;

use super::Definition;

impl Definition {
    /// The text of the diagram, a `stateDiagram-v2`.
    #[must_use]
    pub fn diagram(&self) -> String {
        let mut text = String::from("stateDiagram-v2\n    direction LR\n");
        // Writing to a text does not fail.
        for (place, stage) in self.stages.iter().enumerate() {
            let label = escaped(&stage.label);
            let _ = writeln!(text, "    state \"{label}\" as s{place}");
        }
        for (place, _) in self.stages.iter().enumerate().filter(|it| it.1.is_start) {
            let _ = writeln!(text, "    [*] --> s{place}");
        }
        for (&(from, to), &transition) in &self.edges {
            let label = self.transitions.get(transition);
            let label = label.and_then(|transition| transition.label.as_deref());
            let label = label.map_or(String::new(), |label| format!(" : {}", escaped(label)));
            let _ = writeln!(text, "    s{from} --> s{to}{label}");
        }
        for (place, _) in self
            .stages
            .iter()
            .enumerate()
            .filter(|it| it.1.kind.is_end())
        {
            let _ = writeln!(text, "    s{place} --> [*]");
        }
        text
    }
}

fn escaped(label: &str) -> String {
    let mut text = String::with_capacity(label.len());
    for character in label.chars() {
        if character.is_alphanumeric() || matches!(character, ' ' | '.' | ',' | '/') {
            text.push(character);
        } else {
            let _ = write!(text, "#{};", u32::from(character));
        }
    }
    text
}
