//! Server-sent events, read from a response.

use std::collections::VecDeque;

use reqwest::Response;

use crate::failure::Failure;

/// Longest line of a stream, in bytes.
const MAX_LINE: usize = 4 * 1024 * 1024;

/// One event of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Its kind.
    pub(crate) kind: String,
    /// Its JSON.
    pub(crate) data: String,
}

/// Events one after the other.
pub(crate) struct EventStream {
    response: Response,
    parser: Parser,
}

impl EventStream {
    pub(crate) fn new(response: Response) -> Self {
        Self {
            response,
            parser: Parser::default(),
        }
    }

    /// The next event; none when the host has ended the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<Sent>, Failure> {
        loop {
            if let Some(sent) = self.parser.ready.pop_front() {
                return Ok(Some(sent));
            }
            let chunk = self.response.chunk().await;
            match chunk.map_err(|err| Failure::failed(format!("the stream broke off: {err}")))? {
                Some(chunk) => self.parser.feed(&chunk)?,
                None => return Ok(None),
            }
        }
    }
}

/// Lines to events, whatever pieces they come in.
#[derive(Default)]
struct Parser {
    line: Vec<u8>,
    current: Sent,
    ready: VecDeque<Sent>,
}

impl Parser {
    fn feed(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        for byte in chunk {
            match byte {
                b'\n' => {
                    let line = std::mem::take(&mut self.line);
                    self.end_line(&String::from_utf8_lossy(&line));
                }
                b'\r' => {}
                byte if self.line.len() < MAX_LINE => self.line.push(*byte),
                _ => {
                    return Err(Failure::failed(
                        "the stream holds a line of more than 4 MiB",
                    ));
                }
            }
        }
        Ok(())
    }

    fn end_line(&mut self, line: &str) {
        if line.is_empty() {
            let sent = std::mem::take(&mut self.current);
            if !sent.data.is_empty() {
                self.ready.push_back(sent);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.current.kind),
            "data" => {
                if !self.current.data.is_empty() {
                    self.current.data.push('\n');
                }
                self.current.data.push_str(value);
            }
            // `id` and `retry` matter to clients that come back; a comment keeps the line open.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Parser, Sent};

    #[test]
    fn events_are_read_whatever_pieces_they_come_in() -> Result<(), crate::failure::Failure> {
        let text = ": hello\n\nid: 1\nevent: message.received\ndata: {\"a\":1}\n\nevent: x\r\ndata: {\r\ndata: }\r\n\r\n";
        let mut parser = Parser::default();
        for piece in text.as_bytes().chunks(3) {
            parser.feed(piece)?;
        }
        let sent = |kind: &str, data: &str| Sent {
            kind: kind.to_owned(),
            data: data.to_owned(),
        };
        assert_eq!(
            parser.ready,
            [sent("message.received", "{\"a\":1}"), sent("x", "{\n}")]
        );
        Ok(())
    }
}
