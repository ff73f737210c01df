//! App state: collections of encrypted patches that companions of an account share.
//!
//! The server orders patches and hands them on; what they say it cannot read.

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use waproto::buffa::MessageField;
use waproto::codec::{syncd_patch_decode, syncd_patch_to_vec};
use waproto::whatsapp as wa;

use super::{Answer, BAD_REQUEST, Request};
use crate::stanza::{Reading, SERVER, error, leaf};

/// How many collections an account has at most.
const MAX_COLLECTIONS: usize = 16;
/// How many patches are kept per collection.
const MAX_PATCHES: usize = 500;
/// How long a patch may be.
const MAX_PATCH: usize = 256 * 1024;

pub(super) fn answer(request: &mut Request<'_>) -> Answer {
    let sync = request.node.child("sync").ok_or(BAD_REQUEST)?;
    if sync.all().len() > MAX_COLLECTIONS {
        return Err(BAD_REQUEST);
    }
    let mut answers = Vec::new();
    for wanted in sync.all() {
        answers.push(collection(request, wanted)?);
    }
    Ok(vec![NodeBuilder::new("sync").children(answers).build()])
}

fn collection(request: &mut Request<'_>, wanted: &Node) -> Result<Node, super::Refusal> {
    let name = wanted.attr("name").ok_or(BAD_REQUEST)?;
    let theirs: u64 = wanted
        .attr("version")
        .and_then(|version| version.parse().ok())
        .unwrap_or(0);
    let account = request
        .state
        .account_mut(request.from.account)
        .ok_or(BAD_REQUEST)?;
    if account.collections.len() >= MAX_COLLECTIONS && !account.collections.contains_key(&name) {
        return Err(BAD_REQUEST);
    }
    let own = account.collections.entry(name.clone()).or_default();
    let mut builder = NodeBuilder::new("collection").attr("name", name.as_str());
    let patch = wanted.child("patch").and_then(Reading::bytes);
    if let Some(patch) = patch {
        if patch.len() > MAX_PATCH {
            return Err(BAD_REQUEST);
        }
        if theirs != own.version {
            let conflict = error(409, "conflict");
            return Ok(builder
                .attr("type", "error")
                .attr("version", own.version)
                .attr("has_more_patches", "false")
                .children([conflict, patches(own, theirs)])
                .build());
        }
        own.version += 1;
        if own.patches.len() >= MAX_PATCHES {
            own.patches.pop_front();
        }
        own.patches
            .push_back((own.version, numbered(patch, own.version)));
        let version = own.version;
        request.state.patches_taken += 1;
        request.hub.touch();
        announce(request, &name, version);
        return Ok(builder
            .attr("version", version)
            .attr("has_more_patches", "false")
            .build());
    }
    builder = builder
        .attr("version", own.version)
        .attr("has_more_patches", "false");
    if theirs < own.version {
        builder = builder.children([patches(own, theirs)]);
    }
    Ok(builder.build())
}

fn patches(own: &crate::state::account::Collection, after: u64) -> Node {
    let newer = own
        .patches
        .iter()
        .filter(|(version, _)| *version > after)
        .map(|(_, patch)| leaf("patch", patch.clone()));
    NodeBuilder::new("patches").children(newer).build()
}

/// Writes the version the server has given a patch into it.
fn numbered(patch: &[u8], version: u64) -> Vec<u8> {
    match syncd_patch_decode(patch) {
        Ok(mut decoded) => {
            decoded.version = MessageField::some(wa::SyncdVersion {
                version: Some(version),
            });
            syncd_patch_to_vec(&decoded)
        }
        Err(_) => patch.to_vec(),
    }
}

/// Tells the account's other companions that there is something new.
fn announce(request: &mut Request<'_>, name: &str, version: u64) {
    for to in request.state.devices_of(request.from.account) {
        if to == request.from || to.device == 0 {
            continue;
        }
        let news = NodeBuilder::new("collection")
            .attr("name", name)
            .attr("version", version)
            .build();
        let node = NodeBuilder::new("notification")
            .attr("from", SERVER)
            .attr("type", "server_sync")
            .attr("id", request.state.server_id())
            .attr("t", request.hub.now())
            .children([news])
            .build();
        request.hub.deliver(request.state, to, node);
    }
}
