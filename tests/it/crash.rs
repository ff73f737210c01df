//! The host killed without warning, again and again, under load.
//!
//! Twenty times by default; `WARBLER_CRASH_KILLS=200 cargo test -p warbler-tests --test it crash`
//! kills it as often as it is asked to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use warbler_domain::Random;
use warbler_simulator::{HeardContent, Network, NetworkOptions, Person};
use warbler_tests::{Api, KEY, eventually};

const OWNER: &str = "+15550001";

/// The binary in a process of its own, on a port of its own.
struct Victim {
    child: Child,
    api: Api,
}

impl Victim {
    async fn start(dir: &Path, port: u16) -> Result<Self> {
        let child = Command::new(env!("CARGO_BIN_EXE_host-under-test"))
            .args(["serve", "--config"])
            .arg(dir.join("warbler.toml"))
            .env("WARBLER_ADMIN_KEY", KEY)
            .env("WARBLER_LISTEN", format!("127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(dir.join("stderr.log"))?)
            .spawn()?;
        let api = Api::new(&format!("http://127.0.0.1:{port}"))?;
        let victim = Self { child, api };
        eventually("the host answers", || async {
            Ok(victim
                .api
                .get("/readyz")
                .await
                .ok()
                .filter(|answer| answer.status == 200)
                .map(|_| ()))
        })
        .await?;
        Ok(victim)
    }

    fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may be dead already, which is what is wanted.
        drop(self.kill());
    }
}

fn write_config(dir: &Path, network: &Network) -> Result<()> {
    std::fs::create_dir_all(dir.join("scripts"))?;
    std::fs::create_dir_all(dir.join("plugins"))?;
    std::fs::write(
        dir.join("scripts/echo.rhai"),
        "fn on_message(message) { reply(\"echo of \" + message.text); }",
    )?;
    let path = |name: &str| toml::Value::String(dir.join(name).display().to_string());
    let config = format!(
        "[data]\ndir = {}\n[extensions]\nplugins = [{}]\nscripts = [{}]\n\
         [network]\nwebsocket_url = \"{}\"\nmedia_base = \"{}\"\n\
         [sessions]\nreconnect_first = \"50ms\"\nreconnect_max = \"500ms\"\n[sending]\nack_timeout = \"2s\"\nloop_guard = 0\n",
        path("data"),
        path("plugins"),
        path("scripts"),
        network.websocket_url(),
        network.http_url(),
    );
    std::fs::write(dir.join("warbler.toml"), config)?;
    Ok(())
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}

/// The echoes a person has heard: text and the ids it came under.
fn echoes(person: &Person) -> BTreeMap<String, BTreeSet<String>> {
    let mut echoes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for heard in person.heard() {
        if let HeardContent::Text { body, .. } = &heard.content {
            echoes
                .entry(body.clone())
                .or_default()
                .insert(heard.id.clone());
        }
    }
    echoes
}

/// The texts of the stored `message.received` events, by chat, in the order they were stored.
async fn stored_texts(api: &Api) -> Result<BTreeMap<String, Vec<String>>> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = api
            .get(&format!(
                "/v1/events?kind=message.received&limit=500{cursor}"
            ))
            .await?
            .expect(200)?;
        for event in page.body["items"].as_array().into_iter().flatten() {
            let text = |name: &str| {
                event["message"][name]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            texts
                .entry(text("chat"))
                .or_default()
                .insert(0, text("text"));
        }
        match page.body["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(texts),
        }
    }
}

fn kills() -> usize {
    std::env::var("WARBLER_CRASH_KILLS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20)
}

/// Who is written to by request, while everything else goes on.
const BYSTANDER: &str = "+15550300";

/// What became of the sends by request.
#[derive(Default)]
struct Sends {
    /// The network ids of those the host accepted, in the order of their requests.
    accepted: Vec<String>,
    /// The texts of all that were asked for; those without an answer may have been accepted.
    asked: BTreeSet<String>,
}

/// Sends one text after the other until the host is gone.
async fn send_until_killed(api: Api, round: usize) -> Sends {
    let mut sends = Sends::default();
    for turn in 0..60 {
        let text = format!("send {round}.{turn}");
        sends.asked.insert(text.clone());
        let body = serde_json::json!({ "to": BYSTANDER, "text": text });
        let answer = api.post("/v1/sessions/shop/messages", body).await;
        match answer.and_then(|answer| {
            answer
                .expect(202)?
                .text_at("/whatsappId")
                .map(str::to_owned)
        }) {
            Ok(id) => sends.accepted.push(id),
            // The host was killed in the middle of it.
            Err(_) => break,
        }
    }
    sends
}

/// Refuses what came in another order than it was said, and shows where.
fn same_order(what: &str, came: &[String], expected: &[String]) -> Result<()> {
    let differs = came
        .iter()
        .zip(expected)
        .position(|(came, expected)| came != expected);
    match differs {
        Some(at) => {
            let around = came.get(at..).unwrap_or_default().iter().take(4);
            bail!(
                "{what} out of order from place {at}: {:?}",
                around.collect::<Vec<_>>()
            )
        }
        None => {
            ensure!(came.len() == expected.len(), "{what}: {} came", came.len());
            Ok(())
        }
    }
}

/// Every accepted send was heard once, in the order it was accepted, and nothing that was not
/// asked for.
fn check_sends(bystander: &Person, all: &[Sends]) -> Result<()> {
    let heard: Vec<(String, String)> = bystander
        .heard()
        .into_iter()
        .map(|heard| (heard.id.clone(), heard.text().to_owned()))
        .collect();
    let ids: Vec<&String> = heard.iter().map(|(id, _)| id).collect();
    let unique: BTreeSet<&String> = ids.iter().copied().collect();
    ensure!(unique.len() == ids.len(), "a send was heard twice");
    let accepted: Vec<&String> = all.iter().flat_map(|sends| &sends.accepted).collect();
    let known: BTreeSet<&String> = accepted.iter().copied().collect();
    let heard_of_those: Vec<&String> = ids.into_iter().filter(|id| known.contains(id)).collect();
    ensure!(
        heard_of_those == accepted,
        "{} sends were accepted, {} of them heard, or in another order",
        accepted.len(),
        heard_of_those.len()
    );
    let asked: BTreeSet<&String> = all.iter().flat_map(|sends| &sends.asked).collect();
    for (_, text) in &heard {
        ensure!(asked.contains(text), "{text:?} was never asked for");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_killed_under_load_loses_nothing_and_answers_everything_once() -> Result<()> {
    let kills = kills();
    const CUSTOMERS: usize = 6;
    const TURNS: usize = 3;
    let network = Network::start(NetworkOptions::default()).await?;
    let dir = tempfile::tempdir()?;
    write_config(dir.path(), &network)?;
    let port = free_port()?;
    let mut victim = Victim::start(dir.path(), port).await?;

    let owner = network.person(OWNER, "Owner")?;
    let create = serde_json::json!({ "name": "shop", "start": true });
    victim.api.post("/v1/sessions", create).await?.expect(201)?;
    let qr = victim.api.get("/v1/sessions/shop/qr").await?.expect(200)?;
    owner.scans(qr.text_at("/text")?).await?;
    let connected = |api: Api| async move {
        eventually("the session is connected", || async {
            let session = api.get("/v1/sessions/shop").await?;
            Ok((session.text_at("/state").ok() == Some("connected")).then_some(()))
        })
        .await
    };
    connected(victim.api.clone()).await?;

    let customers: Vec<Person> = (0..CUSTOMERS)
        .map(|n| network.person(&format!("+1555020{n}"), &format!("Customer {n}")))
        .collect::<Result<_, _>>()?;
    let bystander = network.person(BYSTANDER, "Bystander")?;
    let random = Random::seeded(50);
    let mut said = 0;
    let mut sends = Vec::new();
    for round in 0..kills {
        // Half of the rounds meet a host that still connects, half one that is at work.
        if round % 2 == 0 {
            connected(victim.api.clone()).await?;
        }
        let sending = tokio::spawn(send_until_killed(victim.api.clone(), round));
        for customer in &customers {
            for turn in 0..TURNS {
                customer
                    .says(OWNER, &format!("round {round} turn {turn}"))
                    .await?;
                said += 1;
            }
        }
        // Another moment of the work each round; what is tested is that none of them matters.
        let moment = random.jitter(Duration::from_millis(100), 1.0);
        tokio::time::sleep(moment).await;
        victim.kill()?;
        sends.push(sending.await?);
        victim = Victim::start(dir.path(), port).await?;
    }
    connected(victim.api.clone()).await.with_context(|| {
        std::fs::read_to_string(dir.path().join("stderr.log")).unwrap_or_default()
    })?;

    let expected: Vec<String> = (0..kills)
        .flat_map(|round| (0..TURNS).map(move |turn| format!("round {round} turn {turn}")))
        .collect();
    for customer in &customers {
        let answered = eventually("every echo was heard", || async {
            let echoes = echoes(customer);
            Ok((echoes.len() == kills * TURNS).then_some(echoes))
        });
        for (text, ids) in answered.await? {
            ensure!(
                ids.len() == 1,
                "{text:?} was answered under {} ids",
                ids.len()
            );
        }
    }
    let stored = stored_texts(&victim.api).await?;
    let received: usize = stored.values().map(Vec::len).sum();
    ensure!(
        received == said,
        "{said} messages were said, {received} events are stored"
    );
    for customer in &customers {
        let came = stored
            .get(&customer.jid())
            .context("events of the customer")?;
        same_order("stored", came, &expected)?;
        let heard: Vec<String> = customer
            .heard()
            .iter()
            .map(|heard| heard.text().to_owned())
            .collect();
        let echoed: Vec<String> = expected
            .iter()
            .map(|text| format!("echo of {text}"))
            .collect();
        same_order("heard", &heard, &echoed)?;
    }
    let accepted: usize = sends.iter().map(|sends| sends.accepted.len()).sum();
    let wanted: BTreeSet<&String> = sends.iter().flat_map(|sends| &sends.accepted).collect();
    eventually("every accepted send was heard", || async {
        let heard: BTreeSet<String> = bystander
            .heard()
            .into_iter()
            .map(|heard| heard.id)
            .collect();
        Ok(wanted.iter().all(|id| heard.contains(*id)).then_some(()))
    })
    .await?;
    check_sends(&bystander, &sends)?;
    ensure!(accepted >= kills, "only {accepted} sends were accepted");
    ensure!(owner.devices().len() == 1, "it never paired again");
    victim.kill()?;
    network.stop().await;
    Ok(())
}
