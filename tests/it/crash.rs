//! The host killed without warning, again and again, under load.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_killed_under_load_loses_nothing_and_answers_everything_once() -> Result<()> {
    const KILLS: usize = 12;
    const CUSTOMERS: usize = 6;
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
    let mut said = 0;
    for round in 0..KILLS {
        // Half of the rounds meet a host that still connects, half one that is at work.
        if round % 2 == 0 {
            connected(victim.api.clone()).await?;
        }
        for customer in &customers {
            for turn in 0..3 {
                customer
                    .says(OWNER, &format!("round {round} turn {turn}"))
                    .await?;
                said += 1;
            }
        }
        // A different moment of the work each round; what is tested is that none of them matters.
        tokio::time::sleep(Duration::from_millis(5 + 11 * round as u64)).await;
        victim.kill()?;
        victim = Victim::start(dir.path(), port).await?;
    }
    connected(victim.api.clone()).await.with_context(|| {
        std::fs::read_to_string(dir.path().join("stderr.log")).unwrap_or_default()
    })?;

    let stored = stored_texts(&victim.api).await?;
    let received: usize = stored.values().map(Vec::len).sum();
    ensure!(
        received == said,
        "{said} messages were said, {received} events are stored"
    );
    let expected: Vec<String> = (0..KILLS)
        .flat_map(|round| (0..3).map(move |turn| format!("round {round} turn {turn}")))
        .collect();
    for customer in &customers {
        let answered = eventually("every echo was heard", || async {
            let echoes = echoes(customer);
            Ok((echoes.len() == KILLS * 3).then_some(echoes))
        });
        for (text, ids) in answered.await? {
            ensure!(
                ids.len() == 1,
                "{text:?} was answered under {} ids",
                ids.len()
            );
        }
        let came = stored
            .get(&customer.jid())
            .context("events of the customer")?;
        ensure!(*came == expected, "stored out of order: {came:?}");
        let heard: Vec<String> = customer
            .heard()
            .iter()
            .map(|heard| heard.text().to_owned())
            .collect();
        let echoed: Vec<String> = expected
            .iter()
            .map(|text| format!("echo of {text}"))
            .collect();
        ensure!(heard == echoed, "heard out of order: {heard:?}");
    }
    ensure!(owner.devices().len() == 1, "it never paired again");
    victim.kill()?;
    network.stop().await;
    Ok(())
}
