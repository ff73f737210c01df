//! The last stanzas in and out, for tests and for a person who watches.
//!
//! Only the shape of a stanza is kept, never its content.

use std::collections::VecDeque;

use wacore_binary::Node;

use crate::stanza::Reading;

/// How many lines are kept.
const CAPACITY: usize = 4_096;

/// Which way a stanza went, seen from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    In,
    Out,
}

/// One stanza that passed.
#[derive(Debug, Clone, serde::Serialize)]
pub struct JournalLine {
    /// Rises by one with every line.
    pub sequence: u64,
    pub direction: Direction,
    /// The device number on the account's side, if the connection has logged in.
    pub device: Option<u16>,
    /// Tag, namespace or type, and first child, e.g. `iq encrypt set list`.
    pub shape: String,
}

#[derive(Debug, Default)]
pub(crate) struct Journal {
    lines: VecDeque<JournalLine>,
    next: u64,
}

impl Journal {
    pub(crate) fn push(&mut self, direction: Direction, device: Option<u16>, node: &Node) {
        if self.lines.len() >= CAPACITY {
            self.lines.pop_front();
        }
        self.next += 1;
        self.lines.push_back(JournalLine {
            sequence: self.next,
            direction,
            device,
            shape: shape(node),
        });
    }

    pub(crate) fn lines(&self) -> Vec<JournalLine> {
        self.lines.iter().cloned().collect()
    }
}

fn shape(node: &Node) -> String {
    let mut shape = node.tag.to_string();
    for key in ["xmlns", "type", "class", "error"] {
        if let Some(value) = node.attrs.get(key) {
            shape.push(' ');
            shape.push_str(&value.as_str());
        }
    }
    if let Some(child) = node.all().first() {
        shape.push(' ');
        shape.push_str(&child.tag);
    }
    shape
}
