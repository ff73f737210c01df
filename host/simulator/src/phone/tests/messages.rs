//! Pairwise and group messages.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Outcome, Party, meet, party};
use crate::phone::content::compose::text;
use crate::phone::content::{Content, read};
use crate::phone::stores::{MAX_PREKEYS, PREKEY_BATCH};
use crate::phone::{Cipher, CipherKind, DeviceKey, Phone, PhoneError};

const GROUP: &str = "120363000000000001@g.us";

fn body(message: &waproto::whatsapp::Message) -> String {
    match read(message) {
        Content::Text { body, .. } => body,
        other => format!("{other:?}"),
    }
}

async fn says(from: &mut Party, to: &DeviceKey, words: &str) -> Result<Cipher, PhoneError> {
    from.phone.encrypt(to, &text(words)).await
}

async fn hears(by: &mut Party, from: &DeviceKey, cipher: &Cipher) -> Result<String, PhoneError> {
    let message = by.phone.decrypt(from, cipher).await?;
    Ok(body(&message))
}

#[tokio::test]
async fn two_phones_talk_in_both_directions() -> Outcome {
    let (mut anna, mut ben) = (party(1), party(2));
    assert!(matches!(
        says(&mut anna, &ben.at, "too early").await,
        Err(PhoneError::NoSession)
    ));
    meet(&mut anna, &mut ben).await?;
    assert!(anna.phone.has_session(&ben.at) && !ben.phone.has_session(&anna.at));

    let first = says(&mut anna, &ben.at, "hello").await?;
    assert_eq!(first.kind, CipherKind::PreKey);
    assert_eq!(hears(&mut ben, &anna.at, &first).await?, "hello");

    let answer = says(&mut ben, &anna.at, "hello yourself").await?;
    assert_eq!(answer.kind, CipherKind::Whisper);
    assert_eq!(hears(&mut anna, &ben.at, &answer).await?, "hello yourself");

    let next = says(&mut anna, &ben.at, "how are you?").await?;
    assert_eq!(next.kind, CipherKind::Whisper);
    assert_eq!(hears(&mut ben, &anna.at, &next).await?, "how are you?");
    Ok(())
}

#[tokio::test]
async fn messages_may_arrive_out_of_order_but_not_twice() -> Outcome {
    let (mut anna, mut ben) = (party(1), party(2));
    meet(&mut anna, &mut ben).await?;
    let mut sent = Vec::new();
    for number in 0..5 {
        sent.push(says(&mut anna, &ben.at, &number.to_string()).await?);
    }
    for number in [3_usize, 0, 4, 1, 2] {
        let cipher = sent.get(number).ok_or("sent")?;
        let heard = hears(&mut ben, &anna.at, cipher).await?;
        assert_eq!(heard, number.to_string());
        assert!(matches!(
            hears(&mut ben, &anna.at, cipher).await,
            Err(PhoneError::Duplicate)
        ));
    }
    Ok(())
}

#[tokio::test]
async fn a_forgotten_session_is_opened_anew() -> Outcome {
    let (mut anna, mut ben) = (party(1), party(2));
    meet(&mut anna, &mut ben).await?;
    let first = says(&mut anna, &ben.at, "one").await?;
    hears(&mut ben, &anna.at, &first).await?;

    ben.phone.forget_session(&anna.at);
    let lost = says(&mut anna, &ben.at, "two").await?;
    // The session was never answered, so this still opens one, with a prekey that is gone.
    assert!(hears(&mut ben, &anna.at, &lost).await.is_err());
    meet(&mut anna, &mut ben).await?;
    let again = says(&mut anna, &ben.at, "two").await?;
    assert_eq!(hears(&mut ben, &anna.at, &again).await?, "two");
    Ok(())
}

#[tokio::test]
async fn a_reinstalled_phone_is_believed() -> Outcome {
    let (mut anna, mut ben) = (party(1), party(2));
    meet(&mut anna, &mut ben).await?;
    let first = says(&mut anna, &ben.at, "one").await?;
    hears(&mut ben, &anna.at, &first).await?;

    anna.phone = Phone::new(77);
    meet(&mut anna, &mut ben).await?;
    let again = says(&mut anna, &ben.at, "new phone").await?;
    assert_eq!(hears(&mut ben, &anna.at, &again).await?, "new phone");
    let answer = says(&mut ben, &anna.at, "nice").await?;
    assert_eq!(hears(&mut anna, &ben.at, &answer).await?, "nice");
    Ok(())
}

#[tokio::test]
async fn both_may_write_first() -> Outcome {
    let (mut anna, mut ben) = (party(1), party(2));
    meet(&mut anna, &mut ben).await?;
    meet(&mut ben, &mut anna).await?;
    let from_anna = says(&mut anna, &ben.at, "me first").await?;
    let from_ben = says(&mut ben, &anna.at, "no, me").await?;
    assert_eq!(hears(&mut ben, &anna.at, &from_anna).await?, "me first");
    assert_eq!(hears(&mut anna, &ben.at, &from_ben).await?, "no, me");
    for _ in 0..3 {
        let there = says(&mut anna, &ben.at, "ping").await?;
        assert_eq!(hears(&mut ben, &anna.at, &there).await?, "ping");
        let back = says(&mut ben, &anna.at, "pong").await?;
        assert_eq!(hears(&mut anna, &ben.at, &back).await?, "pong");
    }
    Ok(())
}

#[tokio::test]
async fn each_bundle_has_its_own_prekey_and_using_it_removes_it() -> Outcome {
    let mut ben = party(2);
    let mut seen = std::collections::HashSet::new();
    for number in 0..2 * PREKEY_BATCH as u64 + 5 {
        let mut other = party(100 + number);
        let bundle = ben.phone.bundle();
        let (id, _) = bundle.prekey.ok_or("a prekey")?;
        assert!(id > 0 && seen.insert(id), "prekey {id} was given twice");
        other.phone.open_session(&ben.at, &bundle).await?;
        let before = ben.phone.prekeys.len();
        let cipher = says(&mut other, &ben.at, "hi").await?;
        assert_eq!(hears(&mut ben, &other.at, &cipher).await?, "hi");
        assert_eq!(ben.phone.prekeys.len(), before - 1);
    }
    Ok(())
}

#[tokio::test]
async fn when_too_many_prekeys_are_out_a_bundle_works_without() -> Outcome {
    let (mut anna, mut ben) = (party(1), party(2));
    let mut used = party(3);
    meet(&mut used, &mut ben).await?;
    while ben.phone.bundle().prekey.is_some() {
        assert!(ben.phone.prekeys.len() <= MAX_PREKEYS);
    }
    meet(&mut anna, &mut ben).await?;
    let cipher = says(&mut anna, &ben.at, "still here").await?;
    assert_eq!(hears(&mut ben, &anna.at, &cipher).await?, "still here");
    Ok(())
}

#[tokio::test]
async fn a_bundle_with_a_foreign_signature_is_refused() -> Outcome {
    let (mut anna, mut ben) = (party(1), party(2));
    let mut bundle = ben.phone.bundle();
    bundle.identity = party(3).phone.identity_public();
    assert!(matches!(
        anna.phone.open_session(&ben.at, &bundle).await,
        Err(PhoneError::BadSignature(_))
    ));
    assert!(!anna.phone.has_session(&ben.at));
    Ok(())
}

#[tokio::test]
async fn three_members_talk_in_a_group() -> Outcome {
    let (mut anna, mut ben, mut cara) = (party(1), party(2), party(3));
    assert!(matches!(
        anna.phone.group_encrypt(GROUP, &text("too early")).await,
        Err(PhoneError::NoSenderKey)
    ));
    let key = anna.phone.sender_key_distribution(GROUP).await?;
    assert_eq!(read(&key), Content::SenderKeyOnly);
    for member in [&mut ben, &mut cara] {
        meet(&mut anna, member).await?;
        let wrapped = anna.phone.encrypt(&member.at, &key).await?;
        let carried = member.phone.decrypt(&anna.at, &wrapped).await?;
        let accepted = member.phone.accept_sender_key(GROUP, &anna.at, &carried);
        accepted.await?;
    }

    let mut sent = Vec::new();
    for words in ["one", "two", "three"] {
        let cipher = anna.phone.group_encrypt(GROUP, &text(words)).await?;
        assert_eq!(cipher.kind, CipherKind::SenderKey);
        sent.push((cipher, words));
    }
    for (cipher, words) in &sent {
        let heard = ben.phone.group_decrypt(GROUP, &anna.at, cipher).await?;
        assert_eq!(body(&heard), *words);
    }
    for (cipher, words) in sent.iter().rev() {
        let heard = cara.phone.group_decrypt(GROUP, &anna.at, cipher).await?;
        assert_eq!(body(&heard), *words);
    }

    // A key distributed later opens what is sent from then on.
    let mut dora = party(4);
    let late = anna.phone.sender_key_distribution(GROUP).await?;
    dora.phone.accept_sender_key(GROUP, &anna.at, &late).await?;
    let cipher = anna.phone.group_encrypt(GROUP, &text("four")).await?;
    let heard = dora.phone.group_decrypt(GROUP, &anna.at, &cipher).await?;
    assert_eq!(body(&heard), "four");
    let (past, _) = sent.first().ok_or("sent")?;
    let past = dora.phone.group_decrypt(GROUP, &anna.at, past).await;
    assert!(past.is_err());

    // Nobody else's key opens it, nor does the same key in another group.
    assert!(matches!(
        dora.phone.group_decrypt(GROUP, &ben.at, &cipher).await,
        Err(PhoneError::NoSenderKey)
    ));
    assert!(matches!(
        dora.phone.group_decrypt("1@g.us", &anna.at, &cipher).await,
        Err(PhoneError::NoSenderKey)
    ));
    Ok(())
}

#[tokio::test]
async fn the_same_seed_makes_the_same_bytes() -> Outcome {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let (mut anna, mut ben) = (party(1), party(2));
        meet(&mut anna, &mut ben).await?;
        let key = anna.phone.sender_key_distribution(GROUP).await?;
        let wrapped = anna.phone.encrypt(&ben.at, &key).await?;
        let group = anna.phone.group_encrypt(GROUP, &text("hi")).await?;
        runs.push((wrapped.bytes, group.bytes));
    }
    assert_eq!(runs.first(), runs.last());
    Ok(())
}

#[tokio::test]
async fn damaged_ciphertexts_are_errors_and_do_no_harm() -> Outcome {
    let (mut anna, mut ben) = (party(1), party(2));
    let key = anna.phone.sender_key_distribution(GROUP).await?;
    ben.phone.accept_sender_key(GROUP, &anna.at, &key).await?;
    meet(&mut anna, &mut ben).await?;
    let mut rng = StdRng::seed_from_u64(9);
    for round in 0..120_usize {
        let good = match round % 3 {
            0 => anna.phone.group_encrypt(GROUP, &text("good")).await?,
            _ => says(&mut anna, &ben.at, "good").await?,
        };
        let mut bad = good.clone();
        if round % 2 == 0 {
            let end = rng.random_range(0..bad.bytes.len());
            bad.bytes.truncate(end);
        } else {
            let at = rng.random_range(0..bad.bytes.len());
            if let Some(byte) = bad.bytes.get_mut(at) {
                *byte ^= 1 << rng.random_range(0..8_u32);
            }
        }
        // A bit outside of what is authenticated may change without consequence.
        let (damaged, intact) = if good.kind == CipherKind::SenderKey {
            (
                ben.phone.group_decrypt(GROUP, &anna.at, &bad).await,
                ben.phone.group_decrypt(GROUP, &anna.at, &good).await,
            )
        } else {
            (
                ben.phone.decrypt(&anna.at, &bad).await,
                ben.phone.decrypt(&anna.at, &good).await,
            )
        };
        match (damaged, intact) {
            (Err(_), Ok(message)) | (Ok(message), Err(PhoneError::Duplicate)) => {
                assert_eq!(body(&message), "good");
            }
            (damaged, intact) => {
                return Err(format!("round {round}: {damaged:?}, then {intact:?}").into());
            }
        }
        if round == 60 {
            let answer = says(&mut ben, &anna.at, "answer").await?;
            hears(&mut anna, &ben.at, &answer).await?;
        }
    }
    for kind in [
        CipherKind::PreKey,
        CipherKind::Whisper,
        CipherKind::SenderKey,
    ] {
        let bytes: [u8; 90] = rng.random();
        for bytes in [vec![], vec![0x33], bytes.to_vec()] {
            let cipher = Cipher { kind, bytes };
            assert!(ben.phone.decrypt(&anna.at, &cipher).await.is_err());
            let heard = ben.phone.group_decrypt(GROUP, &anna.at, &cipher).await;
            assert!(heard.is_err());
        }
    }
    Ok(())
}

#[test]
fn wire_names_are_read_back() {
    for kind in [
        CipherKind::PreKey,
        CipherKind::Whisper,
        CipherKind::SenderKey,
    ] {
        assert_eq!(CipherKind::parse(kind.as_str()), Some(kind));
    }
    assert_eq!(CipherKind::parse("msmsg"), None);
}

#[test]
fn a_phone_can_move_between_threads() {
    fn can_move<T: Send>(_: &T) {}
    fn future_can_move<F: Future + Send>(_: &F) {}
    let (mut anna, mut ben) = (party(1), party(2));
    can_move(&anna.phone);
    let bundle = ben.phone.bundle();
    future_can_move(&anna.phone.open_session(&ben.at, &bundle));
}
