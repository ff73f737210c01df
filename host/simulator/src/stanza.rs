//! Reading and building stanzas.
//!
//! Peers may write text as bytes or as a string, and leave anything out; reading therefore never
//! fails, it finds or it does not. Addresses are built as text, which the encoder turns into the
//! wire's own form.

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::node::{NodeContent, NodeValue};

use crate::address::Address;

/// The server's own address.
pub(crate) const SERVER: &str = "s.whatsapp.net";

/// What can be asked of a stanza.
pub(crate) trait Reading {
    /// The text of an attribute.
    fn attr(&self, key: &str) -> Option<String>;
    /// The address in an attribute.
    fn address(&self, key: &str) -> Option<Address>;
    /// The first child with this tag.
    fn child(&self, tag: &str) -> Option<&Node>;
    /// Every child.
    fn all(&self) -> &[Node];
    /// The content, if it is bytes or text.
    fn bytes(&self) -> Option<&[u8]>;
    /// The content as text.
    fn text(&self) -> Option<String>;

    /// Whether an attribute has this text.
    fn is(&self, key: &str, value: &str) -> bool;
}

impl Reading for Node {
    fn attr(&self, key: &str) -> Option<String> {
        self.attrs.get(key).map(|value| value.as_str().into_owned())
    }

    fn address(&self, key: &str) -> Option<Address> {
        self.attrs.get(key).map(Address::of)
    }

    fn child(&self, tag: &str) -> Option<&Node> {
        self.all().iter().find(|child| child.tag == tag)
    }

    fn all(&self) -> &[Node] {
        match &self.content {
            Some(NodeContent::Nodes(nodes)) => nodes,
            _ => &[],
        }
    }

    fn bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Some(NodeContent::Bytes(bytes)) => Some(bytes),
            Some(NodeContent::String(text)) => Some(text.as_bytes()),
            _ => None,
        }
    }

    fn text(&self) -> Option<String> {
        self.bytes()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    fn is(&self, key: &str, value: &str) -> bool {
        self.attrs.get(key).is_some_and(|found| *found == *value)
    }
}

/// The content of the child with this tag.
pub(crate) fn child_bytes<'a>(node: &'a Node, tag: &str) -> Option<&'a [u8]> {
    node.child(tag).and_then(Reading::bytes)
}

/// The content of the child with this tag, if it has exactly this length.
pub(crate) fn child_array<const N: usize>(node: &Node, tag: &str) -> Option<[u8; N]> {
    child_bytes(node, tag).and_then(|bytes| bytes.try_into().ok())
}

/// The content of the child with this tag as a big-endian number.
pub(crate) fn child_number(node: &Node, tag: &str) -> Option<u32> {
    let bytes = child_bytes(node, tag)?;
    (bytes.len() <= 4).then(|| {
        bytes
            .iter()
            .fold(0u32, |sum, byte| (sum << 8) | u32::from(*byte))
    })
}

/// A key's id, which is three bytes on the wire.
pub(crate) fn id24(id: u32) -> Vec<u8> {
    let [_, bytes @ ..] = id.to_be_bytes();
    bytes.to_vec()
}

/// A stanza without content.
pub(crate) fn empty(tag: &'static str) -> Node {
    NodeBuilder::new(tag).build()
}

/// A stanza whose content is bytes.
pub(crate) fn leaf(tag: &'static str, bytes: impl Into<Vec<u8>>) -> Node {
    NodeBuilder::new(tag).bytes(bytes).build()
}

/// Sets an attribute if there is a value for it.
pub(crate) fn maybe(
    builder: NodeBuilder,
    key: &'static str,
    value: Option<impl Into<NodeValue>>,
) -> NodeBuilder {
    match value {
        Some(value) => builder.attr(key, value),
        None => builder,
    }
}

/// Copies attributes that are present from one stanza to another.
pub(crate) fn copy(mut builder: NodeBuilder, from: &Node, keys: &[&'static str]) -> NodeBuilder {
    for key in keys {
        if let Some(value) = from.attrs.get(key) {
            builder = builder.attr(key, value.clone());
        }
    }
    builder
}

/// A positive answer to an IQ.
pub(crate) fn result(request: &Node, children: Vec<Node>) -> Node {
    let mut builder = NodeBuilder::new("iq").attr("type", "result");
    builder = copy(builder, request, &["id"]);
    builder = match request.attrs.get("to") {
        Some(to) => builder.attr("from", to.clone()),
        None => builder.attr("from", SERVER),
    };
    if !children.is_empty() {
        builder = builder.children(children);
    }
    builder.build()
}

/// A refusal of an IQ.
pub(crate) fn refusal(request: &Node, code: u16, text: &str) -> Node {
    let mut answer = result(request, vec![error(code, text)]);
    answer.attrs.insert("type", "error");
    answer
}

/// `<error code text/>`.
pub(crate) fn error(code: u16, text: &str) -> Node {
    NodeBuilder::new("error")
        .attr("code", code)
        .attr("text", text)
        .build()
}

/// A request of the server to a client.
pub(crate) fn request(id: &str, xmlns: &'static str, child: Node) -> Node {
    NodeBuilder::new("iq")
        .attr("from", SERVER)
        .attr("type", "set")
        .attr("id", id)
        .attr("xmlns", xmlns)
        .children([child])
        .build()
}
