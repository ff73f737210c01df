//! The engine's storage contracts, on a real file.

use std::sync::Arc;

use bytes::Bytes;
use wacore::appstate::processor::AppStateMutationMAC;
use wacore::store::traits::{
    AppStateSyncKey, AppSyncStore, DeviceInfo, DeviceListRecord, DeviceStore, LidPnMappingEntry,
    MsgSecretEntry, MsgSecretStore, PendingInboundKey, PendingInboundRow, ProtocolStore,
    SignalStore, TcTokenEntry,
};
use warbler_domain::{ManualClock, Random, SessionId, Timestamp};
use warbler_store::{Store, StoreOptions};
use whatsapp_rust::anyhow::{self, Context};

use super::Keys;

mod held;

struct Host {
    _folder: tempfile::TempDir,
    store: Store,
    clock: Arc<ManualClock>,
    random: Random,
}

impl Host {
    fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let store = Store::open(&StoreOptions::new(folder.path().join("warbler.db")))?;
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
        Ok(Self {
            _folder: folder,
            store,
            clock,
            random: Random::seeded(7),
        })
    }

    fn session(&self) -> Keys {
        let session = SessionId::new(Timestamp::from_millis(1), &self.random);
        Keys::new(self.store.clone(), session, self.clock.clone())
    }
}

#[tokio::test]
async fn signal_records_come_back_and_go_away() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    let alice: Arc<str> = "1555:3@lid.0".into();
    let bob: Arc<str> = "15550@lid.0".into();

    keys.put_identities_batch(&[(alice.clone(), [1; 32]), (bob.clone(), [2; 32])])
        .await?;
    assert_eq!(keys.load_identity(&alice).await?, Some([1; 32]));
    keys.delete_identity(&alice).await?;
    assert_eq!(keys.load_identity(&alice).await?, None);

    let records = [
        (alice.clone(), Bytes::from("one")),
        (bob.clone(), Bytes::from("two")),
    ];
    keys.put_sessions_batch(&records).await?;
    assert_eq!(keys.get_session(&bob).await?, Some(Bytes::from("two")));
    assert!(keys.has_session(&alice).await?);
    assert!(keys.has_signal_state_for_user("1555").await?);
    assert!(
        !keys.has_signal_state_for_user("155").await?,
        "a shorter number is another user"
    );
    keys.delete_session(&alice).await?;
    assert!(!keys.has_session(&alice).await?);
    assert!(!keys.has_signal_state_for_user("1555").await?);

    keys.put_sender_keys_batch(&records).await?;
    assert_eq!(keys.get_sender_key(&alice).await?, Some(b"one".to_vec()));
    keys.delete_sender_key(&alice).await?;
    assert_eq!(keys.get_sender_key(&alice).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_prekey_that_was_used_is_not_brought_back() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    assert_eq!(keys.get_max_prekey_id().await?, 0);
    let made = [
        (1, Bytes::from("a")),
        (2, Bytes::from("b")),
        (300, Bytes::from("c")),
    ];
    keys.store_prekeys_batch(&made, false).await?;
    assert_eq!(keys.get_max_prekey_id().await?, 300);

    keys.remove_prekey(2).await?;
    keys.mark_prekeys_uploaded(&[1, 2, 300]).await?;
    assert_eq!(keys.load_prekey(1).await?, Some(Bytes::from("a")));
    assert_eq!(keys.load_prekey(2).await?, None);
    let found = keys.load_prekeys_batch(&[1, 2, 300]).await?;
    assert_eq!(found, [(1, Bytes::from("a")), (300, Bytes::from("c"))]);

    keys.store_signed_prekey(5, b"signed").await?;
    assert_eq!(
        keys.load_all_signed_prekeys().await?,
        [(5, b"signed".to_vec())]
    );
    keys.remove_signed_prekey(5).await?;
    assert_eq!(keys.load_signed_prekey(5).await?, None);
    Ok(())
}

#[tokio::test]
async fn app_state_is_kept_per_collection() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    assert_eq!(keys.get_latest_sync_key_id().await?, None);
    for id in [b"k1", b"k2"] {
        let key = AppStateSyncKey {
            key_data: id.to_vec(),
            fingerprint: vec![1],
            timestamp: 2,
        };
        keys.set_sync_key(id, key).await?;
    }
    assert_eq!(keys.get_latest_sync_key_id().await?, Some(b"k2".to_vec()));
    let first = keys.get_sync_key(b"k1").await?.context("the first key")?;
    assert_eq!(first.key_data, b"k1");

    let mut state = keys.get_version("regular").await?;
    assert_eq!(state.version, 0);
    state.version = 9;
    state.hash = [3; 128];
    keys.set_version("regular", state).await?;
    let state = keys.get_version("regular").await?;
    assert_eq!((state.version, state.hash), (9, [3; 128]));

    let mac = |byte: u8| AppStateMutationMAC {
        index_mac: vec![byte; 32],
        value_mac: vec![byte],
    };
    keys.put_mutation_macs("regular", 9, &[mac(1), mac(2), mac(3)])
        .await?;
    keys.put_mutation_macs("regular_high", 9, &[mac(1)]).await?;
    keys.delete_mutation_macs("regular", &[vec![2; 32]]).await?;
    let found = keys
        .get_mutation_macs("regular", &[[1; 32], [2; 32], [3; 32]])
        .await?;
    assert_eq!((found.len(), found.get(&[3; 32])), (2, Some(&vec![3])));
    keys.clear_mutation_macs("regular").await?;
    assert_eq!(keys.get_mutation_mac("regular", &[1; 32]).await?, None);
    assert_eq!(
        keys.get_mutation_mac("regular_high", &[1; 32]).await?,
        Some(vec![1])
    );
    Ok(())
}

#[tokio::test]
async fn sender_key_status_is_kept_per_group_and_device() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    keys.set_sender_key_status("g1@g.us", &[("a:1@lid", true), ("b@lid", false)])
        .await?;
    keys.set_sender_key_status("g2@g.us", &[("a:1@lid", true)])
        .await?;
    let mut found = keys.get_sender_key_devices("g1@g.us").await?;
    found.sort();
    assert_eq!(
        found,
        [("a:1@lid".to_owned(), true), ("b@lid".to_owned(), false)]
    );

    keys.delete_sender_key_device_rows(&["a:1@lid"]).await?;
    assert_eq!(keys.get_sender_key_devices("g2@g.us").await?, []);
    keys.clear_sender_key_devices("g1@g.us").await?;
    assert_eq!(keys.get_sender_key_devices("g1@g.us").await?, []);
    keys.set_sender_key_status("g1@g.us", &[("c@lid", true)])
        .await?;
    keys.clear_all_sender_key_devices().await?;
    assert_eq!(keys.get_sender_key_devices("g1@g.us").await?, []);
    Ok(())
}

#[tokio::test]
async fn a_lid_that_changes_its_number_leaves_the_old_one() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    let entry = |lid: &str, phone: &str| LidPnMappingEntry {
        lid: lid.to_owned(),
        phone_number: phone.to_owned(),
        created_at: 1,
        updated_at: 2,
        learning_source: "usync".to_owned(),
    };
    keys.put_lid_mappings(&[entry("100", "1555"), entry("200", "1666")])
        .await?;
    assert_eq!(keys.get_all_lid_mappings().await?.len(), 2);
    keys.put_lid_mapping(&entry("100", "1777")).await?;
    assert!(keys.get_pn_mapping("1555").await?.is_none());
    let found = keys
        .get_pn_mapping("1777")
        .await?
        .context("the new number")?;
    assert_eq!(found.lid, "100");
    let back = keys.get_lid_mapping("100").await?.context("the mapping")?;
    assert_eq!(back.phone_number, "1777");
    Ok(())
}

#[tokio::test]
async fn devices_groups_and_base_keys_are_kept_until_deleted() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    let record = |user: &str| DeviceListRecord {
        user: user.to_owned(),
        devices: vec![DeviceInfo::new(0, None), DeviceInfo::new(3, Some(3))],
        timestamp: 1,
        phash: Some("2:x".to_owned()),
        raw_id: Some(9),
    };
    keys.update_device_lists(vec![record("1555"), record("1666")])
        .await?;
    let found = keys.get_devices("1666").await?.context("the device list")?;
    assert_eq!((found.devices.len(), found.raw_id), (2, Some(9)));
    keys.delete_devices("1666").await?;
    assert!(keys.get_devices("1666").await?.is_none());

    keys.put_group_metadata("g@g.us", b"blob").await?;
    assert_eq!(
        keys.get_group_metadata("g@g.us").await?,
        Some(b"blob".to_vec())
    );
    keys.delete_group_metadata("g@g.us").await?;
    assert_eq!(keys.get_group_metadata("g@g.us").await?, None);

    keys.save_base_key("a.0", "m1", b"base").await?;
    assert!(keys.has_same_base_key("a.0", "m1", b"base").await?);
    assert!(!keys.has_same_base_key("a.0", "m1", b"other").await?);
    keys.delete_base_key("a.0", "m1").await?;
    assert!(!keys.has_same_base_key("a.0", "m1", b"base").await?);
    Ok(())
}

#[tokio::test]
async fn a_token_is_dropped_only_when_both_its_times_have_passed() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    keys.store_received_tc_token("a@lid", b"new", 100).await?;
    keys.store_received_tc_token("a@lid", b"old", 50).await?;
    keys.touch_tc_token_sender_timestamp("a@lid", 80).await?;
    keys.touch_tc_token_sender_timestamp("a@lid", 70).await?;
    let token = keys.get_tc_token("a@lid").await?.context("the token")?;
    assert_eq!(
        (token.token, token.token_timestamp, token.sender_timestamp),
        (b"new".to_vec(), 100, Some(80))
    );
    keys.touch_tc_token_sender_timestamp("b@lid", 10).await?;
    let entry = TcTokenEntry {
        token: b"x".to_vec(),
        token_timestamp: 5,
        sender_timestamp: None,
    };
    keys.put_tc_token("c@lid", &entry).await?;
    assert_eq!(keys.delete_expired_tc_tokens(90, 90).await?, 2);
    assert_eq!(keys.get_all_tc_token_jids().await?, ["a@lid"]);
    keys.delete_tc_token("a@lid").await?;
    assert!(keys.get_tc_token("a@lid").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn a_message_for_the_inbox_waits_until_it_is_taken_away() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    let row = |id: &'static str| PendingInboundRow {
        chat: "g@g.us",
        sender: "a@lid",
        id,
        message: id.as_bytes(),
    };
    keys.store_pending_inbound_batch(&[row("m1"), row("m2"), row("m3")])
        .await?;
    assert_eq!(
        keys.get_pending_inbound("g@g.us", "a@lid", "m2").await?,
        Some(b"m2".to_vec())
    );
    let unknown = keys.get_pending_inbound("g@g.us", "a@li", "dm2").await;
    assert!(unknown.is_err(), "nobody has it");
    let key = |id: &'static str| PendingInboundKey {
        chat: "g@g.us",
        sender: "a@lid",
        id,
    };
    keys.delete_pending_inbound_batch(&[key("m1"), key("m2")])
        .await?;
    let taken = keys.get_pending_inbound("g@g.us", "a@lid", "m2").await;
    assert!(taken.is_err(), "it is in no table of messages");
    keys.says_nothing("g@g.us", "a@lid", "m2").await?;
    assert_eq!(
        keys.get_pending_inbound("g@g.us", "a@lid", "m2").await?,
        None
    );
    assert_eq!(
        keys.get_pending_inbound("g@g.us", "a@lid", "m3").await?,
        Some(b"m3".to_vec())
    );
    assert_eq!(
        keys.delete_expired_pending_inbound(1_000).await?,
        0,
        "stored at second 1000"
    );
    assert_eq!(keys.delete_expired_pending_inbound(1_001).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_sent_message_is_there_for_whoever_asks_until_it_is_old() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    keys.store_sent_message("a@lid", "m1", b"payload").await?;
    for _ in 0..2 {
        assert_eq!(
            keys.take_sent_message("a@lid", "m1").await?,
            Some(b"payload".to_vec())
        );
    }
    assert_eq!(keys.delete_expired_sent_messages(2_000).await?, 1);
    assert_eq!(keys.take_sent_message("a@lid", "m1").await?, None);
    Ok(())
}

#[tokio::test]
async fn a_message_secret_never_lives_shorter_than_it_was_told() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    let entry = |id: &str, expires_at, message_ts| MsgSecretEntry {
        chat: "a@lid".into(),
        sender: "b@lid".into(),
        msg_id: id.into(),
        secret: [8; 32],
        expires_at,
        message_ts,
    };
    keys.put_msg_secrets(vec![
        entry("m1", 100, 7),
        entry("m2", 50, 0),
        entry("m3", 0, 0),
    ])
    .await?;
    keys.put_msg_secrets(vec![entry("m1", 60, 0), entry("m3", 10, 0)])
        .await?;
    assert_eq!(keys.delete_expired_msg_secrets(50).await?, 1);
    let found = keys.get_msg_secret_with_ts("a@lid", "b@lid", "m1").await?;
    assert_eq!(found, Some((vec![8; 32], 7)));
    assert_eq!(keys.get_msg_secret("a@lid", "b@lid", "m2").await?, None);
    assert_eq!(
        keys.delete_expired_msg_secrets(1_000).await?,
        1,
        "only the one that ends"
    );
    assert!(keys.get_msg_secret("a@lid", "b@lid", "m3").await?.is_some());
    Ok(())
}

#[tokio::test]
async fn a_device_record_survives_a_new_start_of_the_store() -> anyhow::Result<()> {
    let host = Host::start()?;
    let keys = host.session();
    assert!(!keys.exists().await?);
    assert!(!keys.is_paired().await?);
    let mut device = wacore::store::Device::new();
    keys.save(&device).await?;
    assert!(keys.exists().await? && !keys.is_paired().await?);
    device.pn = Some("15550100:3@s.whatsapp.net".parse()?);
    keys.save(&device).await?;
    let back = keys.load().await?.context("the device")?;
    assert_eq!(back.registration_id, device.registration_id);
    assert_eq!(back.adv_secret_key, device.adv_secret_key);
    assert!(keys.is_paired().await?);
    Ok(())
}

#[tokio::test]
async fn sessions_do_not_see_each_other() -> anyhow::Result<()> {
    let host = Host::start()?;
    let (one, two) = (host.session(), host.session());
    one.put_session("a.0", b"one").await?;
    two.put_session("a.0", b"two").await?;
    one.forget().await?;
    assert_eq!(one.get_session("a.0").await?, None);
    assert_eq!(two.get_session("a.0").await?, Some(Bytes::from("two")));
    Ok(())
}
