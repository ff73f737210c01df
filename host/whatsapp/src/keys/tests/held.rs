//! Ratchets follow the messages they have read to the disk.

use futures_util::FutureExt;
use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp::session_structure::Chain;
use waproto::whatsapp::session_structure::chain::ChainKey;
use waproto::whatsapp::{RecordStructure, SessionStructure};

use super::super::space;
use super::*;
use crate::intake::tests::stanza;

const ADA: &str = "100@lid.0";
const BEN: &str = "200@lid.0";

/// A session with which so much was sent since its chain is new.
fn sent(messages: u32) -> Bytes {
    let key = ChainKey {
        index: Some(messages),
        ..ChainKey::default()
    };
    let chain = Chain {
        chain_key: MessageField::some(key),
        ..Chain::default()
    };
    let state = SessionStructure {
        sender_chain: MessageField::some(chain),
        ..SessionStructure::default()
    };
    let record = RecordStructure {
        current_session: MessageField::some(state),
        ..RecordStructure::default()
    };
    Bytes::from(record.encode_to_vec())
}

async fn put(keys: &Keys, address: &str, session: Bytes) -> anyhow::Result<()> {
    Ok(keys
        .put_sessions_batch(&[(address.into(), session)])
        .await?)
}

/// What is on disk, or on its way.
async fn written(keys: &Keys, address: &str) -> anyhow::Result<Option<Vec<u8>>> {
    Ok(keys.get_in_order(space::SESSIONS, address.into()).await?)
}

async fn begins(keys: &Keys, id: &str, from: &str) -> anyhow::Result<()> {
    let stanza = stanza(&[("id", id), ("from", from)], &["msg"])?;
    keys.intake().begins(&stanza);
    Ok(())
}

async fn is_handed_over(keys: &Keys, id: &str) -> anyhow::Result<()> {
    let row = PendingInboundRow {
        chat: "100@lid",
        sender: "100@lid",
        id,
        message: b"text",
    };
    Ok(keys.store_pending_inbound_batch(&[row]).await?)
}

#[tokio::test]
async fn a_ratchet_follows_the_message_it_has_read() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    put(&keys, ADA, sent(0)).await?;
    begins(&keys, "m1", "100@lid").await?;
    let read = sent(0).into_iter().chain(*b"\x12\x00").collect::<Bytes>();
    put(&keys, ADA, read.clone()).await?;
    put(&keys, BEN, sent(1)).await?;
    assert_eq!(written(&keys, ADA).await?, Some(sent(0).to_vec()));
    assert_eq!(written(&keys, BEN).await?, Some(sent(1).to_vec()));
    assert_eq!(keys.get_session(ADA).await?, Some(read.clone()));
    assert!(keys.has_signal_state_for_user("100").await?);
    assert_eq!(keys.stored().await, Ok(()), "nothing was sent with it");
    is_handed_over(&keys, "m1").await?;
    assert_eq!(written(&keys, ADA).await?, Some(read.to_vec()));
    Ok(())
}

#[tokio::test]
async fn what_was_sent_with_a_ratchet_waits_with_it() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    begins(&keys, "m1", "100@lid").await?;
    put(&keys, ADA, sent(1)).await?;
    let mut leaving = Box::pin(keys.stored());
    assert_eq!((&mut leaving).now_or_never(), None);
    is_handed_over(&keys, "m1").await?;
    assert_eq!(leaving.await, Ok(()));
    let on_disk = keys.get(space::SESSIONS, ADA.into()).await?;
    assert_eq!(on_disk, Some(sent(1).to_vec()));
    Ok(())
}

#[tokio::test]
async fn a_message_that_never_arrives_holds_its_sender_up_once_and_for_a_moment()
-> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    begins(&keys, "m1", "100@lid").await?;
    put(&keys, ADA, sent(1)).await?;
    assert_eq!(keys.stored().await, Ok(()));
    put(&keys, ADA, sent(2)).await?;
    assert_eq!(written(&keys, ADA).await?, Some(sent(2).to_vec()));
    Ok(())
}

#[tokio::test]
async fn a_prekey_goes_after_the_session_made_from_it() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    keys.store_prekey(7, b"key", true).await?;
    begins(&keys, "m1", "100@lid").await?;
    put(&keys, ADA, sent(0)).await?;
    keys.remove_prekey(7).await?;
    let prekey = || keys.get_in_order(space::PREKEYS, 7_u32.to_be_bytes().into());
    assert!(prekey().await?.is_some());
    is_handed_over(&keys, "m1").await?;
    assert!(prekey().await?.is_none());
    assert_eq!(written(&keys, ADA).await?, Some(sent(0).to_vec()));
    Ok(())
}

#[tokio::test]
async fn what_a_link_leaves_unread_leaves_no_trace_in_its_ratchet() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    begins(&keys, "m1", "100@lid").await?;
    begins(&keys, "m2", "200@lid").await?;
    put(&keys, ADA, sent(0)).await?;
    put(&keys, BEN, sent(0)).await?;
    drop(keys.intake().ends("m2"));
    keys.settle().await;
    assert_eq!(written(&keys, ADA).await?, None);
    assert_eq!(written(&keys, BEN).await?, Some(sent(0).to_vec()));
    Ok(())
}

#[tokio::test]
async fn the_wire_goes_on_with_what_overtakes() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    begins(&keys, "m1", "100@lid").await?;
    put(&keys, ADA, sent(1)).await?;
    drop(keys.intake().ends("m1"));
    put(&keys, ADA, sent(2)).await?;
    assert_eq!(keys.stored().await, Ok(()));
    begins(&keys, "m2", "100@lid").await?;
    put(&keys, ADA, sent(3)).await?;
    keys.put_session(ADA, b"another").await?;
    put(&keys, ADA, sent(4)).await?;
    keys.delete_session(ADA).await?;
    assert_eq!(keys.stored().await, Ok(()));
    assert_eq!(keys.get_session(ADA).await?, None);
    Ok(())
}

#[tokio::test]
async fn what_is_written_outright_overtakes_what_waits() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    begins(&keys, "m1", "100@lid").await?;
    put(&keys, ADA, sent(0)).await?;
    keys.put_session(ADA, b"another").await?;
    is_handed_over(&keys, "m1").await?;
    assert_eq!(keys.get_session(ADA).await?, Some(Bytes::from("another")));
    begins(&keys, "m2", "100@lid").await?;
    put(&keys, ADA, sent(0)).await?;
    keys.delete_session(ADA).await?;
    is_handed_over(&keys, "m2").await?;
    assert_eq!(keys.get_session(ADA).await?, None);
    Ok(())
}
