use std::sync::Arc;

use ::wa_rs_core::store::Device;
use ::wa_rs_core::store::traits::{DeviceStore, LidPnMappingEntry, ProtocolStore, SignalStore};
use warbler_domain::{Clock, Random, SessionId, SystemClock};
use warbler_store::{Store, StoreOptions};

use super::Vault;
use crate::keys::Keys;

type Tested = Result<(), Box<dyn std::error::Error>>;

fn vault(folder: &tempfile::TempDir) -> Result<Vault, Box<dyn std::error::Error>> {
    let store = Store::open(&StoreOptions::new(folder.path().join("warbler.db")))?;
    let session = SessionId::new(SystemClock.now(), &Random::from_system());
    let vault = Vault::default();
    vault.open(Keys::new(store, session, Arc::new(SystemClock)));
    Ok(vault)
}

fn known() -> LidPnMappingEntry {
    LidPnMappingEntry {
        lid: "100000000000001".to_owned(),
        phone_number: "15550100".to_owned(),
        created_at: 1,
        updated_at: 1,
        learning_source: "usync".to_owned(),
    }
}

#[tokio::test]
async fn a_session_is_found_under_either_address() -> Tested {
    let folder = tempfile::tempdir()?;
    let vault = vault(&folder)?;
    vault.put_session("100000000000001:2@lid.0", &[1]).await?;
    assert_eq!(vault.get_session("15550100:2@c.us.0").await?, None);
    vault.put_lid_mapping(&known()).await?;
    assert_eq!(vault.get_session("15550100:2@c.us.0").await?, Some(vec![1]));
    vault.put_session("15550100:2@c.us.0", &[2]).await?;
    assert_eq!(
        vault.get_session("100000000000001:2@lid.0").await?,
        Some(vec![2])
    );
    vault.delete_session("100000000000001:2@lid.0").await?;
    assert_eq!(vault.get_session("15550100:2@c.us.0").await?, None);
    Ok(())
}

#[tokio::test]
async fn the_id_of_a_used_key_is_not_used_again() -> Tested {
    let folder = tempfile::tempdir()?;
    let vault = vault(&folder)?;
    vault.store_prekey(1, &[7, 7], true).await?;
    assert_eq!(vault.load_prekey(1).await?, Some(vec![7, 7]));
    vault.remove_prekey(1).await?;
    assert_eq!(vault.load_prekey(1).await?, Some(Vec::new()));
    assert_eq!(vault.load_prekey(2).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_device_comes_back_as_it_was() -> Tested {
    let folder = tempfile::tempdir()?;
    let vault = vault(&folder)?;
    assert!(!vault.exists().await?);
    let mut device = Device::new();
    device.pn = Some("15550100:3@s.whatsapp.net".parse()?);
    device.lid = Some("100000000000001:3@lid".parse()?);
    device.push_name = "Olive".to_owned();
    vault.save(&device).await?;
    let loaded = vault.load().await?.ok_or("nothing was stored")?;
    assert_eq!(loaded.pn, device.pn);
    assert_eq!(loaded.lid, device.lid);
    assert_eq!(loaded.push_name, device.push_name);
    assert_eq!(loaded.registration_id, device.registration_id);
    let pairs = [
        (&loaded.noise_key, &device.noise_key),
        (&loaded.identity_key, &device.identity_key),
        (&loaded.signed_pre_key, &device.signed_pre_key),
    ];
    for (loaded, stored) in pairs {
        assert_eq!(loaded.public_key.serialize(), stored.public_key.serialize());
        assert_eq!(
            loaded.private_key.serialize(),
            stored.private_key.serialize()
        );
    }
    Ok(())
}

#[tokio::test]
async fn behind_a_shut_door_are_no_keys() -> Tested {
    let folder = tempfile::tempdir()?;
    let vault = vault(&folder)?;
    vault.shut();
    assert!(vault.get_session("15550100@c.us.0").await.is_err());
    Ok(())
}
