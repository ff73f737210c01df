//! Every kind of message goes out and comes in, with people and in groups.

mod coming;
mod going;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use warbler_simulator::Person;
use warbler_tests::{Shop, TestHost};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";
const BOB: &str = "+15550101";

/// What the first bytes of files make them.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\nand so on";
const FILM: &[u8] = b"\0\0\0\x18ftypisom\0\0\0\0isomiso2";
const SOUND: &[u8] = b"OggS\0\x02........OpusHead";
const PAPER: &[u8] = b"%PDF-1.4\n%%EOF\n";
const STICKER: &[u8] = b"RIFF\x10\0\0\0WEBPVP8 ........";

/// Where a conversation is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between the session and Ada.
    Direct,
    /// In a group of the session, Ada and Bob.
    Group,
}

/// The session, and Ada, with whom it talks in one place.
struct Talk<'a> {
    host: &'a TestHost,
    shop: Shop<'a>,
    ada: Person,
    bob: Person,
    /// The chat as the session names it.
    to: String,
    /// The chat as Ada names it.
    back: String,
    place: Place,
}

impl<'a> Talk<'a> {
    async fn start(host: &'a TestHost, place: Place) -> Result<Self> {
        let shop = host.connected_session("shop", OWNER).await?;
        let (ada, bob) = (host.person(ADA, "Ada")?, host.person(BOB, "Bob")?);
        let (to, back) = match place {
            Place::Direct => (ADA.to_owned(), OWNER.to_owned()),
            Place::Group => {
                let group = ada.creates_group("Friends", &[&bob, shop.owner()]).await?;
                (group.clone(), group)
            }
        };
        Ok(Self {
            host,
            shop,
            ada,
            bob,
            to,
            back,
            place,
        })
    }

    /// Waits until the message of this network id is stored; as the API shows it.
    async fn stores(&self, whatsapp_id: &str) -> Result<Value> {
        self.shop
            .has_message(whatsapp_id, |message| message["whatsappId"] == whatsapp_id)
            .await
    }
}

/// Refuses a value that lacks something of `expected`, at any depth.
fn holds(found: &Value, expected: &Value) -> Result<()> {
    let fields = match expected {
        Value::Object(fields) => fields,
        expected => {
            ensure!(found == expected, "{found} is not {expected}");
            return Ok(());
        }
    };
    for (name, expected) in fields {
        let found = found.get(name).with_context(|| format!("no {name}"))?;
        holds(found, expected).with_context(|| name.clone())?;
    }
    Ok(())
}
