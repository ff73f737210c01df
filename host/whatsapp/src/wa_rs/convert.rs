//! The seam between the two engines' types.
//!
//! Both speak the same protobuf and the same binary XML. So what one engine has read is written
//! down and read again by the other's crates, and everything that knows what a message or an
//! answer means exists once, in the types of the default engine.

use ::wa_rs::Jid as TheirJid;
use ::wa_rs_binary::node::Node as TheirNode;
use ::wa_rs_proto::whatsapp as theirs;
use prost::Message as _;
use wacore_binary::{Jid, Node, NodeRef};
use waproto::codec;
use waproto::whatsapp as wa;

/// Why something could not be carried over. It does not happen to what an engine made itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the engines do not write a {0} in the same way")]
pub(crate) struct Foreign(&'static str);

/// A message that came in.
pub(super) fn message_in(from: &theirs::Message) -> Result<wa::Message, Foreign> {
    codec::message_decode(&from.encode_to_vec()).map_err(|_| Foreign("message"))
}

/// A message on its way out.
pub(super) fn message_out(from: &wa::Message) -> Result<theirs::Message, Foreign> {
    let bytes = codec::message_to_vec(from);
    theirs::Message::decode(bytes.as_slice()).map_err(|_| Foreign("message"))
}

/// An address that came in. Its device is kept; what the decoder noted beside it is not.
pub(super) fn jid_in(from: &TheirJid) -> Option<Jid> {
    let device = match from.device {
        0 => String::new(),
        device => format!(":{device}"),
    };
    format!("{}{device}@{}", from.user, from.server)
        .parse()
        .ok()
}

/// An address on its way out.
pub(super) fn jid_out(from: &Jid) -> TheirJid {
    TheirJid {
        device: from.device,
        ..TheirJid::new(&from.user, from.server.as_str())
    }
}

/// A stanza on its way out.
pub(super) fn node_out(from: &Node) -> Result<TheirNode, Foreign> {
    let bytes = wacore_binary::marshal::marshal(from).map_err(|_| Foreign("stanza"))?;
    let bytes = ::wa_rs_binary::util::unpack(&bytes).map_err(|_| Foreign("stanza"))?;
    let node = ::wa_rs_binary::marshal::unmarshal_ref(&bytes);
    node.map(|node| node.to_owned())
        .map_err(|_| Foreign("stanza"))
}

/// Lets `read` look at a stanza that came in.
pub(super) fn node_in<T>(
    from: &TheirNode,
    read: impl FnOnce(&NodeRef<'_>) -> T,
) -> Result<T, Foreign> {
    let bytes = ::wa_rs_binary::marshal::marshal(from).map_err(|_| Foreign("stanza"))?;
    let bytes = wacore_binary::util::unpack(&bytes).map_err(|_| Foreign("stanza"))?;
    let node = wacore_binary::marshal::unmarshal_ref(&bytes).map_err(|_| Foreign("stanza"))?;
    Ok(read(&node))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wacore_binary::builder::NodeBuilder;

    #[test]
    fn a_message_survives_the_way_there_and_back() -> Result<(), Foreign> {
        let message = wa::Message {
            conversation: Some("what is the price?".to_owned()),
            ..wa::Message::default()
        };
        assert_eq!(message_in(&message_out(&message)?)?, message);
        Ok(())
    }

    #[test]
    fn a_stanza_survives_the_way_there_and_back() -> Result<(), Foreign> {
        let node = NodeBuilder::new("iq")
            .attr("to", "15550100:3@s.whatsapp.net")
            .attr("id", "1")
            .children([NodeBuilder::new("query").bytes(vec![1, 2, 3]).build()])
            .build();
        let there = node_out(&node)?;
        assert_eq!(there.tag, "iq");
        let (to, bytes) = node_in(&there, |node| {
            let to = node.get_attr("to").map(|to| to.as_str().into_owned());
            let query = node
                .get_optional_child("query")
                .map(|child| child.to_owned());
            (to, query.and_then(|query| query.content))
        })?;
        assert_eq!(to.as_deref(), Some("15550100:3@s.whatsapp.net"));
        assert_eq!(
            bytes,
            Some(wacore_binary::NodeContent::Bytes(vec![1, 2, 3]))
        );
        Ok(())
    }

    #[test]
    fn an_address_keeps_its_device() {
        for text in [
            "15550100:3@s.whatsapp.net",
            "100000000000001:2@lid",
            "1203@g.us",
        ] {
            let jid: Option<Jid> = text.parse().ok();
            let back = jid.as_ref().and_then(|jid| jid_in(&jid_out(jid)));
            assert_eq!(back.map(|jid| jid.to_string()).as_deref(), Some(text));
        }
    }
}
