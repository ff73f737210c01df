//! The phone uploads a body again that the server has forgotten, when a companion asks for it.

use rand::RngExt;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::{Person, PersonError};
use crate::address::Form;
use crate::phone::content::{self, Content};
use crate::phone::{media, reupload};
use crate::stanza::{Reading, child_bytes, leaf};
use crate::state::account::DeviceRef;

/// The phone does not have it any more, either.
const GONE: u8 = 2;
/// The request could not be read.
const UNREADABLE: u8 = 3;

impl Person {
    /// Answers a companion's request, with a path or with the reason why there is none.
    pub(super) async fn uploads_again(&self, receipt: &Node, at: DeviceRef) {
        let Some(id) = receipt.attr("id") else { return };
        let answered = match self.uploaded_again(receipt, &id).await {
            Ok(answer) => answer,
            Err(code) => NodeBuilder::new("error").attr("code", code).build(),
        };
        let mut children = vec![answered];
        children.extend(receipt.child("rmr").cloned());
        let mut state = self.hub.lock();
        let node = NodeBuilder::new("notification")
            .attr("from", state.user_jid(self.id(), Form::Pn))
            .attr("type", "mediaretry")
            .attr("id", id)
            .attr("t", self.hub.now())
            .children(children)
            .build();
        self.hub.deliver(&mut state, at, node);
    }

    async fn uploaded_again(&self, receipt: &Node, id: &str) -> Result<Node, u8> {
        let known = self.inner.inbox().originals.find(id);
        let (_, message) = known.ok_or(GONE)?;
        let Content::Media { kind, locator, .. } = content::read(&message) else {
            return Err(GONE);
        };
        let request = receipt.child("encrypt").ok_or(UNREADABLE)?;
        let sealed = child_bytes(request, "enc_p").ok_or(UNREADABLE)?;
        let iv = child_bytes(request, "enc_iv").ok_or(UNREADABLE)?;
        if !reupload::is_genuine(&locator.key, id, iv, sealed) {
            return Err(UNREADABLE);
        }
        let plain = self.inner.inbox().body_of(id).ok_or(GONE)?;
        let key = locator.key;
        // The same key makes the same body, and so the same path.
        let again = tokio::task::spawn_blocking(move || media::encrypt(kind, &plain, key))
            .await
            .map_err(|error| PersonError::Phone(Box::new(error)))
            .and_then(|sealed| Ok(sealed?));
        let body = again.map_err(|_| GONE)?.body;
        let path = self.hub.media.put(body.into()).map_err(|_| GONE)?;
        let iv: [u8; 12] = self.hub.lock().rng.random();
        let told = reupload::answer(&key, id, &path, iv).map_err(|_| GONE)?;
        Ok(NodeBuilder::new("encrypt")
            .children([leaf("enc_p", told), leaf("enc_iv", iv)])
            .build())
    }
}
