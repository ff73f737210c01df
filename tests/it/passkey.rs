//! Linking an account that WhatsApp links only with its passkey.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use warbler_simulator::{Person, PersonError};
use warbler_tests::{KEY, PATIENCE, TestHost, eventually, hears_text};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";
const PATH: &str = "/v1/sessions/shop/passkey";
const SITE: &str = "https://web.whatsapp.com";

/// The phone at work on a link.
type Linking = tokio::task::JoinHandle<Result<(), PersonError>>;

/// A session whose phone has scanned its QR, and is not let through without a passkey.
async fn asked(host: &TestHost) -> Result<(Person, Linking, Value)> {
    let owner = host.person(OWNER, "Owner")?;
    owner.demands_passkey(true);
    host.api()
        .post("/v1/sessions", json!({ "name": "shop", "start": true }))
        .await?
        .expect(201)?;
    host.api().get(PATH).await?.expect(409)?;
    let qr = host.api().get("/v1/sessions/shop/qr").await?.expect(200)?;
    let qr = qr.text_at("/text")?.to_owned();
    let phone = owner.clone();
    let linking = tokio::spawn(async move { phone.scans(&qr).await });
    let options = step(host, "answer").await?["options"].clone();
    Ok((owner, linking, options))
}

async fn step(host: &TestHost, wanted: &str) -> Result<Value> {
    eventually(&format!("the passkey link is at {wanted}"), || async {
        let shown = host.api().get(PATH).await?;
        Ok((shown.body["step"] == wanted).then_some(shown.body))
    })
    .await
}

#[tokio::test]
async fn a_session_is_linked_with_a_passkey_and_a_code_that_is_compared() -> Result<()> {
    let host = TestHost::start().await?;
    let (owner, linking, options) = asked(&host).await?;
    let session = host.api().get("/v1/sessions/shop").await?.expect(200)?;
    assert_eq!(
        session.text_at("/reason")?,
        "WhatsApp asks for a passkey of the account"
    );
    let signed = owner.signs_with_passkey(&options.to_string(), SITE)?;
    let early = host.api().order(&format!("{PATH}/confirm")).await?;
    assert_eq!(early.expect(409)?.text_at("/code")?, "passkey_no_code");
    host.api().post(PATH, signed).await?.expect(204)?;
    let shown = step(&host, "compare").await?;
    let phone = owner.shows_code(PATIENCE).await?;
    assert_eq!(
        shown["code"].as_str().map(|code| code.replace('-', "")),
        Some(phone)
    );
    assert!(owner.devices().is_empty(), "nobody has compared them yet");
    host.api()
        .order(&format!("{PATH}/confirm"))
        .await?
        .expect(204)?;
    linking.await??;
    host.is_connected("shop").await?;
    host.api().get(PATH).await?.expect(409)?;
    let ada = host.person(ADA, "Ada")?;
    host.shop("shop", OWNER)?.says(ADA, "by passkey").await?;
    hears_text(&ada, "by passkey").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_passkey_that_signs_for_another_site_is_refused_and_the_right_one_is_not() -> Result<()> {
    let host = TestHost::start().await?;
    let (owner, linking, options) = asked(&host).await?;
    let elsewhere = owner.signs_with_passkey(&options.to_string(), "https://example.com")?;
    let refused = host.api().post(PATH, elsewhere).await?.expect(503)?;
    assert_eq!(refused.text_at("/code")?, "passkey_refused");
    let signed = owner.signs_with_passkey(&options.to_string(), SITE)?;
    host.api().post(PATH, signed).await?.expect(204)?;
    step(&host, "compare").await?;
    host.api()
        .order(&format!("{PATH}/confirm"))
        .await?
        .expect(204)?;
    linking.await??;
    host.is_connected("shop").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_no_signature_is_refused_with_its_field() -> Result<()> {
    let host = TestHost::start().await?;
    let (owner, linking, options) = asked(&host).await?;
    let mut signed = owner.signs_with_passkey(&options.to_string(), SITE)?;
    signed["response"]["signature"] = json!("not base64url!");
    let refused = host.api().post(PATH, signed).await?.expect(400)?;
    assert_eq!(refused.text_at("/code")?, "bad_passkey");
    assert_eq!(refused.text_at("/field")?, "response.signature");
    linking.abort();
    host.stop().await;
    Ok(())
}

/// What a command prints, line by line.
#[derive(Clone)]
struct Printed(Arc<Mutex<BufReader<ChildStdout>>>);

impl Printed {
    /// This member of the next thing printed that has it.
    async fn has(&self, member: &'static str) -> Result<Value> {
        let output = self.clone();
        // The host answers on this thread meanwhile.
        let reading = tokio::task::spawn_blocking(move || {
            let mut output = output.0.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                let mut line = String::new();
                let length = output.read_line(&mut line)?;
                anyhow::ensure!(length > 0, "it has ended without {member:?}");
                let line: Value = serde_json::from_str(&line)?;
                if let Some(found) = line.get(member) {
                    return Ok(found.clone());
                }
            }
        });
        reading.await?
    }
}

#[tokio::test]
async fn the_command_that_pairs_goes_through_a_passkey_too() -> Result<()> {
    let host = TestHost::start().await?;
    let owner = host.person(OWNER, "Owner")?;
    owner.demands_passkey(true);
    let made = json!({ "name": "shop" });
    host.api().post("/v1/sessions", made).await?.expect(201)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_host-under-test"))
        .args(["session", "pair", "shop", "--json"])
        .args(["--url", host.api().base()])
        .env("WARBLER_KEY", KEY)
        .env_remove("WARBLER_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = command.stdin.take().context("its input")?;
    let output = command.stdout.take().context("its output")?;
    let printed = Printed(Arc::new(Mutex::new(BufReader::new(output))));
    let qr = printed.has("qr").await?;
    let qr = qr.as_str().context("a text")?.to_owned();
    let phone = owner.clone();
    let linking = tokio::spawn(async move { phone.scans(&qr).await });

    assert_eq!(printed.has("passkey").await?["page"], SITE);
    writeln!(input, "what is this?")?;
    printed.has("refused").await?;
    let options = step(&host, "answer").await?["options"].clone();
    let signed = owner.signs_with_passkey(&options.to_string(), SITE)?;
    writeln!(input, "{signed}")?;
    let code = printed.has("compare").await?;
    let code = code.as_str().context("a code")?.replace('-', "");
    assert_eq!(code, owner.shows_code(PATIENCE).await?);
    writeln!(input, "yes")?;
    assert_eq!(printed.has("state").await?, "connected");
    linking.await??;
    let ended = tokio::task::spawn_blocking(move || command.wait()).await??;
    assert!(ended.success());
    host.stop().await;
    Ok(())
}
