//! Linking companions: QR, code, and the signatures both sides check.

use rand::SeedableRng;
use rand::rngs::StdRng;
use wacore::adv::{
    AdvValidation, decode_key_index_list, is_key_index_valid, validate_adv_with_identity_key,
};
use wacore::companion_reg::CompanionWebClientType;
use wacore::pair::{DeviceState, PairUtils};
use wacore::pair_code::PairCodeUtils;
use wacore_libsignal::protocol::KeyPair;

use super::Outcome;
use crate::phone::linking::{CodeLink, parse_qr};
use crate::phone::{Phone, PhoneError, public_key, raw_public};

const SECRET: [u8; 32] = [7; 32];

/// A client as the engine sees itself before it is paired.
fn companion(seed: u64) -> DeviceState {
    let mut rng = StdRng::seed_from_u64(seed);
    DeviceState {
        identity_key: KeyPair::generate(&mut rng),
        noise_key: KeyPair::generate(&mut rng),
        adv_secret_key: SECRET,
    }
}

fn identity(companion: &DeviceState) -> [u8; 32] {
    raw_public(&companion.identity_key.public_key)
}

#[test]
fn a_companion_accepts_our_signature_and_we_accept_its_own() -> Outcome {
    let (phone, client) = (Phone::new(1), companion(2));
    let signed = phone.sign_companion(&identity(&client), 3, &SECRET, 1_700_000_000)?;
    let (completed, index) = PairUtils::do_pair_crypto(&client, &signed)?;
    assert_eq!(index, 3);

    let published = phone.verify_companion(&identity(&client), &completed)?;
    let verdict = validate_adv_with_identity_key(&published, &identity(&client), None);
    assert_eq!(verdict, AdvValidation::Valid);
    let account = phone.identity_public();
    let verdict = validate_adv_with_identity_key(&published, &[9; 32], Some(&account));
    assert_eq!(verdict, AdvValidation::Invalid);
    Ok(())
}

#[test]
fn a_companion_may_leave_the_account_key_out_of_its_answer() -> Outcome {
    let (phone, client) = (Phone::new(1), companion(2));
    let signed = phone.sign_companion(&identity(&client), 1, &SECRET, 1)?;
    let (completed, _) = PairUtils::do_pair_crypto(&client, &signed)?;
    let mut short = waproto::codec::adv_signed_device_identity_decode(&completed)?;
    short.account_signature_key = None;
    let short = waproto::codec::adv_signed_device_identity_to_vec(&short);
    let published = phone.verify_companion(&identity(&client), &short)?;
    let verdict = validate_adv_with_identity_key(&published, &identity(&client), None);
    assert_eq!(verdict, AdvValidation::Valid);
    Ok(())
}

#[test]
fn forged_and_broken_answers_are_refused() -> Outcome {
    let (phone, client) = (Phone::new(1), companion(2));
    let signed = phone.sign_companion(&identity(&client), 1, &SECRET, 1)?;
    let stranger = DeviceState {
        adv_secret_key: [8; 32],
        ..companion(2)
    };
    assert!(PairUtils::do_pair_crypto(&stranger, &signed).is_err());

    let (completed, _) = PairUtils::do_pair_crypto(&client, &signed)?;
    let refused = |phone: &Phone, client: &DeviceState, bytes: &[u8]| {
        phone.verify_companion(&identity(client), bytes).is_err()
    };
    assert!(refused(&Phone::new(5), &client, &completed));
    assert!(refused(&phone, &companion(6), &completed));
    assert!(refused(&phone, &client, b""));
    assert!(refused(&phone, &client, b"\xff\xff\xff\xff nonsense"));
    let mut unsigned = waproto::codec::adv_signed_device_identity_decode(&completed)?;
    unsigned.device_signature = unsigned.account_signature.clone();
    let unsigned = waproto::codec::adv_signed_device_identity_to_vec(&unsigned);
    assert!(refused(&phone, &client, &unsigned));
    Ok(())
}

#[test]
fn the_key_index_list_counts_the_living_and_not_the_removed() -> Outcome {
    let phone = Phone::new(1);
    for device in 1..=3 {
        phone.sign_companion(&identity(&companion(2)), device, &SECRET, 1)?;
    }
    let list = phone.key_index_list(&[2, 1], 99)?;
    let decoded = decode_key_index_list(&list).ok_or("a key index list")?;
    assert_eq!(decoded.raw_id, phone.raw_id());
    assert_eq!(decoded.timestamp, 99);
    assert_eq!(decoded.valid_indexes, [0, 1, 2]);
    assert!(is_key_index_valid(Some(2), &decoded));
    assert!(!is_key_index_valid(Some(3), &decoded));

    let signed = waproto::codec::adv_signed_key_index_list_decode(&list)?;
    let details = signed.details.ok_or("details")?;
    let signature = signed.account_signature.ok_or("signature")?;
    let covered = [&[6, 2], details.as_slice()].concat();
    let account = public_key(&phone.identity_public())?;
    assert!(account.verify_signature(&covered, &signature));
    Ok(())
}

#[test]
fn every_companion_gets_the_same_app_state_key() -> Outcome {
    let mut phone = Phone::new(1);
    let first = phone.app_state_key_share(10);
    let second = phone.app_state_key_share(20);
    assert_eq!(first, second);
    let share = first.protocol_message.app_state_sync_key_share.clone();
    let key = share.keys.first().ok_or("a key")?;
    assert_eq!(key.key_id.key_id.as_deref().map(<[u8]>::len), Some(6));
    let data = key.key_data.as_option().ok_or("key data")?;
    assert_eq!(data.key_data.as_deref().map(<[u8]>::len), Some(32));
    assert_eq!(data.timestamp, Some(10_000));
    assert_eq!(data.fingerprint.raw_id, Some(phone.raw_id()));
    Ok(())
}

#[test]
fn both_forms_of_the_qr_are_read() -> Outcome {
    let client = companion(2);
    let with_platform =
        PairUtils::make_qr_data(&client, "2@abc/+=", CompanionWebClientType::Chrome);
    let (bare, _) = with_platform.rsplit_once(',').ok_or("five fields")?;
    let address = "https://wa.me/settings/linked_devices#";
    for text in [
        bare.to_owned(),
        with_platform.clone(),
        format!("{address}{with_platform}"),
        format!(" {address}{bare}\n"),
    ] {
        let link = parse_qr(&text)?;
        assert_eq!(link.reference, "2@abc/+=");
        assert_eq!(link.noise, raw_public(&client.noise_key.public_key));
        assert_eq!(link.identity, identity(&client));
        assert_eq!(link.adv_secret, SECRET);
    }
    Ok(())
}

#[test]
fn what_is_no_qr_is_refused() {
    let key = data_encoding::BASE64.encode(&[1; 32]);
    for text in [
        String::new(),
        "#".to_owned(),
        "2@abc".to_owned(),
        format!("2@abc,{key},{key}"),
        format!(",{key},{key},{key}"),
        format!("2@abc,{key},{key},AAAA"),
        format!("2@abc,{key},not base64!,{key}"),
        format!("{},{key},{key},{key}", "2".repeat(2000)),
    ] {
        assert!(matches!(parse_qr(&text), Err(PhoneError::Malformed(_))));
    }
}

#[test]
fn phone_and_companion_agree_by_code() -> Outcome {
    let (phone, client) = (Phone::new(1), companion(2));
    let ephemeral = KeyPair::generate(&mut StdRng::seed_from_u64(3));
    let code = "ABCD1234";
    let hello = PairCodeUtils::encrypt_ephemeral_pub(&raw_public(&ephemeral.public_key), code);

    let (link, wrapped) = CodeLink::answer_hello("abcd-1234", &hello, 4)?;
    assert_eq!(wrapped.len(), 80);
    let primary = PairCodeUtils::decrypt_primary_ephemeral_pub(&wrapped, code)?;
    let (bundle, secret) = PairCodeUtils::prepare_key_bundle(
        &ephemeral,
        &primary,
        &phone.identity_public(),
        &client.identity_key,
    )?;
    let agreed = link.finish(&phone, &bundle, &identity(&client))?;
    assert_eq!(agreed, secret);
    Ok(())
}

#[test]
fn a_wrong_code_shows_when_the_bundle_does_not_open() -> Outcome {
    let (phone, client) = (Phone::new(1), companion(2));
    let ephemeral = KeyPair::generate(&mut StdRng::seed_from_u64(3));
    let hello =
        PairCodeUtils::encrypt_ephemeral_pub(&raw_public(&ephemeral.public_key), "ABCD1234");
    let (link, wrapped) = CodeLink::answer_hello("ABCD1235", &hello, 4)?;
    let primary = PairCodeUtils::decrypt_primary_ephemeral_pub(&wrapped, "ABCD1234")?;
    let (bundle, _) = PairCodeUtils::prepare_key_bundle(
        &ephemeral,
        &primary,
        &phone.identity_public(),
        &client.identity_key,
    )?;
    assert!(matches!(
        link.finish(&phone, &bundle, &identity(&client)),
        Err(PhoneError::WrongCode)
    ));
    Ok(())
}

#[test]
fn broken_code_messages_are_refused() -> Outcome {
    for code in ["", "ABCD", "ABCD123O", "ABCD12345", "äöüß"] {
        let refused = CodeLink::answer_hello(code, &[0; 80], 1);
        assert!(matches!(refused, Err(PhoneError::Malformed(_))));
    }
    let refused = CodeLink::answer_hello("ABCD1234", &[0; 79], 1);
    assert!(matches!(refused, Err(PhoneError::Malformed(_))));
    for length in [0, 31, 43, 44, 60, 156, 157] {
        let (link, _) = CodeLink::answer_hello("ABCD1234", &[0; 80], 1)?;
        let refused = link.finish(&Phone::new(1), &vec![0; length], &[1; 32]);
        assert!(refused.is_err());
    }
    Ok(())
}
